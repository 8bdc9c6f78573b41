"""What can go wrong with alerts, as a sentence and what to do about it."""


class AlertError(Exception):
    """Alerts cannot be made; `remedy` says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy
