"""Typed `splits` of `ownership.yml`: what is paid for together, and which team bears which share of it.

A split takes what one team owns, or what a pattern matches and nothing else decides, and gives all of it to the teams
under `to`. The team of one split may be the source of another: a chain. Splits that follow from one another are applied
in the order of their level, so a chain ends; a circle never would and is refused, as is a chain of more than three.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ingest.config_dated import (
    Glob,
    Priority,
    Provider,
    Slug,
    refuse_overlaps,
    refuse_repeated_ids,
    refuse_unknown,
    share_a_day,
)
from ingest.config_fields import OwnerField
from ingest.yaml_config import Amount, Day, MisplacedError, StrictModel

LEVELS = 3
"""Splits that may follow from one another: as many as the models apply."""

Share = Annotated[Amount, Field(gt=0, le=1, decimal_places=12)]


class SplitMatch(StrictModel):
    provider: Provider
    """The cloud whose bill is looked at."""
    field: OwnerField
    """What is compared, as in rules."""
    pattern: Glob
    """The value; `*` stands for any text, case does not count."""


class SplitTarget(StrictModel):
    team: Slug
    """A team that bears a part. The source itself may stand here: what it keeps."""
    product: Slug | None = None
    """The product of that team, when it is known."""
    share: Share | None = None
    """The part as a decimal, at most twelve decimals; the shares of a split sum to exactly 1."""


class Split(StrictModel):
    id: Slug
    """Name of the split."""
    priority: Priority = 100
    """Of the splits that fit, the one with the lowest number is applied; equal numbers are decided by id."""
    from_team: Slug | None = None
    """All that this team owns is split; either this or `match`."""
    match: SplitMatch | None = None
    """What this matches and no tag, log or rule gives to a team is split."""
    to: tuple[SplitTarget, ...] = Field(min_length=1)
    """Who bears it."""
    basis: Literal["fixed", "measured"] = "fixed"
    """`fixed`: by the shares given here. `measured`: by what each of the teams used itself that day, without shares."""
    valid_from: Day
    """First day."""
    valid_to: Day | None = None
    """First day on which it is over."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "Split":
        if (self.from_team is None) == (self.match is None):
            raise MisplacedError((), "give either 'from_team' or 'match', and not both")
        if [target.team for target in self.to] == [self.from_team]:
            raise MisplacedError(("to", 0, "team"), f"'{self.from_team}' would be split to itself; name who bears it")
        self._targets_are_named_once()
        self._shares_are_whole()
        return self

    def _targets_are_named_once(self) -> None:
        seen: set[tuple[str, str | None]] = set()
        for index, target in enumerate(self.to):
            if (target.team, target.product) in seen:
                raise MisplacedError(("to", index, "team"), f"'{target.team}' is given twice; add its shares up")
            seen.add((target.team, target.product))

    def _shares_are_whole(self) -> None:
        for index, target in enumerate(self.to):
            if self.basis == "fixed" and target.share is None:
                raise MisplacedError(("to", index, "share"), "is missing; a fixed split gives each team its share")
            if self.basis == "measured" and target.share is not None:
                raise MisplacedError(("to", index, "share"), "a measured split finds its shares; leave it out")
        if self.basis == "fixed":
            total = sum((target.share for target in self.to if target.share is not None), Decimal(0))
            if total != 1:
                raise MisplacedError(("to",), f"the shares sum to {total}, not to 1; they differ by {1 - total}")

    @property
    def source(self) -> tuple[str | None, str, str]:
        """Provider, field and pattern of what is split; the field of a team is `team`."""
        if self.match is None:
            return None, "team", str(self.from_team)
        return self.match.provider, self.match.field, self.match.pattern


def check_splits(splits: Sequence[Split], teams: set[str], owner_of: dict[str, set[str]]) -> None:
    """Raise MisplacedError for what cannot be meant across splits; `owner_of`: product to the teams that owned it."""
    refuse_repeated_ids("splits", [split.id for split in splits])
    keys = [(provider, field, pattern.lower()) for provider, field, pattern in (split.source for split in splits)]
    refuse_overlaps("splits", keys, splits)
    for index, split in enumerate(splits):
        if split.from_team is not None:
            refuse_unknown(("splits", index, "from_team"), split.from_team, teams, "teams")
        for position, target in enumerate(split.to):
            place = ("splits", index, "to", position)
            refuse_unknown((*place, "team"), target.team, teams, "teams")
            if target.product is not None:
                refuse_unknown((*place, "product"), target.product, set(owner_of), "products")
                if target.team not in owner_of[target.product]:
                    owners = ", ".join(sorted(owner_of[target.product]))
                    raise MisplacedError((*place, "product"), f"'{target.product}' belongs to '{owners}'")
    chain_levels(splits)


def chain_levels(splits: Sequence[Split]) -> dict[str, int]:
    """Split id to its level: 0 for those that no other feeds, else one above the highest that feeds it.

    A split feeds another when it gives to the other's `from_team` on a day on which both are valid. What a team keeps
    of its own feeds nothing.

    Raises:
        MisplacedError: a circle; tells the teams along it.
    """
    levels: dict[str, int] = {}
    path: list[Split] = []

    def level(split: Split) -> int:
        if split.id in levels:
            return levels[split.id]
        if split in path:
            circle = [*path[path.index(split) :], split]
            teams = " -> ".join(str(step.from_team) for step in reversed(circle))
            place = ("splits", splits.index(split), "to")
            raise MisplacedError(place, f"splits go in a circle: {teams}; end the chain at one of them")
        path.append(split)
        levels[split.id] = max((level(feeder) + 1 for feeder in _feeders(split, splits)), default=0)
        path.pop()
        if levels[split.id] >= LEVELS:
            place = ("splits", splits.index(split), "from_team")
            raise MisplacedError(place, f"is step {levels[split.id] + 1} of a chain of splits; {LEVELS} may follow")
        return levels[split.id]

    return {split.id: level(split) for split in splits}


def _feeders(split: Split, splits: Sequence[Split]) -> list[Split]:
    return [
        other
        for other in splits
        if split.from_team is not None
        and other.from_team != split.from_team
        and share_a_day(split, other)
        and any(target.team == split.from_team for target in other.to)
    ]
