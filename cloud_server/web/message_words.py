"""Words for messages: occasions, states, reasons, and what is wrong with the modem."""

from typing import Final

from cloud_server.core.mistakes import FieldError
from cloud_server.web.words import Words


def N_(text: str) -> str:  # noqa: N802  # the name by which the catalogs' collector knows it
    """Mark a word for the catalogs; it is looked up where it is shown."""
    return text


OCCASION: Final[dict[str, str]] = {
    "alarm1": N_("First warning"),
    "alarm2": N_("Second warning"),
    "arrears": N_("In arrears"),
    "cut_off": N_("Supply cut"),
    "restored": N_("Supply restored"),
    "sale": N_("Sale received"),
    "sale_waiting": N_("Sale received, on its way"),
    "refund": N_("Refund paid out"),
    "reversal": N_("Sale reversed"),
    "forecast": N_("Forecast"),
    "estimated": N_("Estimate, box out of reach"),
    "number_changed": N_("Number changed"),
    "duty": N_("Call to the duty list"),
}
STATE: Final[dict[str, str]] = {
    "queued": N_("Waits"),
    "sending": N_("Is being sent"),
    "sent": N_("Sent"),
    "delivered": N_("Arrived"),
    "failed": N_("Failed"),
    "unsure": N_("Not known whether it left"),
    "expired": N_("Too old"),
    "withheld": N_("Withheld"),
}
PART: Final[dict[str, str]] = {
    "waiting": N_("waits"),
    "handed": N_("handed over, no answer yet"),
    "sent": N_("sent"),
    "delivered": N_("arrived"),
    "failed": N_("failed"),
    "unsure": N_("not known"),
}
REASON: Final[dict[str, str]] = {
    "quiet_hours": N_("quiet hours"),
    "customer_budget": N_("enough for this customer today"),
    "site_budget": N_("the site's budget of today is used up"),
    "switched_off": N_("switched off"),
    "expired": N_("older than a day"),
    "not_on_file": N_("the number is not on file any more"),
    "withdrawn": N_("taken back"),
    "told_together": N_("told in one message with others"),
}
MODEM: Final[dict[str, str]] = {
    "no_port": N_("its port is not there"),
    "silent": N_("it does not answer"),
    "pin_wanted": N_("the SIM wants a PIN"),
    "pin_refused": N_("the SIM refused the PIN; it is not tried again"),
    "puk_wanted": N_("the SIM is locked and wants its PUK"),
    "no_sim": N_("there is no SIM"),
    "not_registered": N_("no network"),
    "weak_signal": N_("weak signal"),
}


SEVERITY: Final[dict[str, str]] = {
    "critical": N_("critical"),
    "severe": N_("severe"),
    "warning": N_("minor"),
    "notice": N_("customer"),
}
"""How people call a severity, where they type it."""
SETTING_REASONS: Final = (
    N_("a whole number from 0 to %(most)s"),
    N_("1 to %(most)s characters"),
    N_("one of %(allowed)s"),
    N_("at most %(people)s people and %(steps)s steps"),
    N_("a name and a telephone number"),
    N_("0 to %(most)s minutes"),
)
"""What would be right in the settings, as `core/message_settings` says it."""
_LISTS: Final = ("duty", "steps")
"""Fields of many lines: what is wrong says of which."""


class MessageWords(Words):
    """Looks them up in one language."""

    @property
    def severities(self) -> dict[str, str]:
        """By code."""
        return {code: self.of(SEVERITY, code) for code in SEVERITY}

    def refused(self, error: FieldError) -> str:
        """What would be right in place of what was typed."""
        right = self.reason(error.reason) if error.reason is not None else self.field(error.code)
        return f"{error.value}: {right}" if error.field in _LISTS else right

    def occasion(self, code: str) -> str:
        return self.of(OCCASION, code)

    def message_state(self, code: str) -> str:
        return self.of(STATE, code)

    def part_state(self, code: str) -> str:
        return self.of(PART, code)

    def why_not(self, code: str) -> str:
        return self.of(REASON, code)

    def modem(self, code: str) -> str:
        return self.of(MODEM, code)
