"""`python -m emulator`: write the demo's world, and serve it as three local clouds."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from emulator.aws.exports import EXPORTS, Export, write_folder
from emulator.clock import Clock, format_utc, parse_utc
from emulator.generate import generate
from emulator.serve import NoWorldError, serve
from emulator.world import DEFAULT_AS_OF, DEFAULT_DAYS, DEFAULT_SEED

EXAMPLE = """example:
  python -m emulator generate --home .inferledger --days 30
  python -m emulator serve --home .inferledger
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, or 1 with one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "generate":
            fresh = generate(options.home, as_of=options.as_of, days=options.days, seed=options.seed)
            words = "wrote" if fresh else "already there:"
            sys.stdout.write(f"{words} {options.days} days up to {format_utc(options.as_of)} in {options.home}\n")
        elif options.command == "export":
            now = options.as_of or Clock(options.home / "truth" / "clock.json").now()
            export = Export(options.form, options.payer, options.create_new)
            write_folder(options.home / "emulator" / "aws", export, now, options.to)
            sys.stdout.write(f"wrote {options.form} as of {format_utc(now)} in {options.to}\n")
        else:
            serve(options.home, control_port=options.control_port, parent=options.parent)
    except (NoWorldError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m emulator",
        description="Local AWS, Google Cloud and Azure endpoints with a demo organisation behind them.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, words, example in (
        ("generate", "write the world's bills, metrics and truth", "--home .inferledger --days 30 --seed 7"),
        ("export", "write the AWS bill in another form", "--home .inferledger --form legacy --to exports"),
        ("serve", "answer the clouds' SDKs until SIGTERM or Ctrl-C", "--home .inferledger"),
    ):
        command = commands.add_parser(name, help=words, description=words, epilog=f"example: %(prog)s {example}")
        command.add_argument("--home", type=Path, required=True, help="folder of landing, truth and outbox")
        if name == "serve":
            command.add_argument("--control-port", type=int, default=0, help="0 (default): any free port")
            command.add_argument("--parent", type=int, help="id of the starting process: stop when it is gone")
            continue
        if name == "export":
            command.add_argument("--form", choices=list(EXPORTS), required=True, help="which export")
            command.add_argument("--to", type=Path, required=True, help="folder that receives it")
            command.add_argument("--payer", help="account to invoice instead of the bill's own")
            command.add_argument("--create-new", action="store_true", help="a folder for each execution")
            command.add_argument("--as-of", type=_moment, help="full hour in UTC (default: the home's clock)")
            continue
        command.add_argument("--days", type=int, default=DEFAULT_DAYS, help="full days of usage (default %(default)s)")
        command.add_argument("--seed", type=int, default=DEFAULT_SEED, help="noise of traffic (default %(default)s)")
        command.add_argument("--as-of", type=_moment, default=DEFAULT_AS_OF, help="full hour in UTC, ISO 8601")
    return parser


def _moment(text: str) -> datetime:
    try:
        return parse_utc(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
