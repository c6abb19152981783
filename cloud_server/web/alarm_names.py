"""What alarms are called in either language, for messages that leave the console's pages."""

from functools import cache

from cloud_server.web.language import Language, load_catalogs
from cloud_server.web.words import Words


@cache
def alarm_name(kind: str, language: Language) -> str:
    """The word that pages show for this kind of alarm."""
    return Words(load_catalogs()[language].gettext).alarm(kind)
