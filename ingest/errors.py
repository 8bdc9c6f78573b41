"""What can go wrong, each with a sentence and its remedy.

InferledgerError
├── ConfigError            a configuration file or setting is wrong
├── TransientError         worth another try within the retry budget
└── TerminalError          trying again changes nothing
    ├── PermissionDenied   the cloud answered 403
    ├── CredentialExpired  the cloud answered 401, or a token is past its life
    ├── Unreachable        nobody answers at the endpoint
    ├── WrongRegion        the thing lives in another region or location
    ├── EmptyAnswer        nothing came where something must
    ├── CorruptFile        a file cannot be read to its end
    ├── SchemaChanged      a required column is missing or changed its type
    └── Shrunk             a load holds far fewer rows than the one it would replace
"""


class InferledgerError(Exception):
    """One sentence that says what happened, and one that says what to do.

    Args:
        message: what happened, naming source and thing.
        remedy: what the reader can do about it.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def __reduce__(self) -> tuple[type["InferledgerError"], tuple[str, str]]:
        return type(self), (self.message, self.remedy)


class ConfigError(InferledgerError):
    """A configuration file or a setting is wrong."""


class TransientError(InferledgerError):
    """A fault that another try may not meet: throttling, 5xx, a cut connection.

    Args:
        retry_after: seconds the provider asked us to wait, None when it did not say.
    """

    def __init__(self, message: str, remedy: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after


class TerminalError(InferledgerError):
    """A fault that another try meets again."""


class PermissionDenied(TerminalError):
    """The cloud refused the call; the remedy names the permission to grant."""


class CredentialExpired(TerminalError):
    """The credential is missing, invalid or past its life."""


class Unreachable(TerminalError):
    """Nobody answers at the endpoint after the retry budget."""


class WrongRegion(TerminalError):
    """The resource lives in another region or location than the configured one."""


class EmptyAnswer(TerminalError):
    """The provider answered with nothing where there must be rows."""


class CorruptFile(TerminalError):
    """A delivered file is truncated or not what its name says."""


class SchemaChanged(TerminalError):
    """A required field is missing or has another type than the contract.

    Attributes:
        is_near: a file that has most columns of a kind, so that passing it over would lose its rows.
    """

    is_near = False


class Shrunk(TerminalError):
    """A window holds under 80 % of the rows of its earlier load."""
