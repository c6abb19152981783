"""Mail and chat services (WeCom, DingTalk, Feishu, webhooks …) through apprise, by the names of the configuration.

Home of apprise. The addresses hold secrets: they come from files, and are never logged nor shown.
"""

import logging
from collections.abc import Mapping
from typing import Final

import apprise

from cloud_server.messages.chat_services import ChatService, chat_service
from cloud_server.ports.messages import NotKnown, NotSent

TIMEOUT_S: Final = 20
"""Apprise's own sockets time out within; services answer in a second or two."""

log = logging.getLogger(__name__)


class BadAddress(ValueError):
    """Not an address that apprise knows. The text does not repeat it."""


class AppriseWays:
    """Satisfies `ports.messages.OtherWays`."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        """Names with their apprise addresses. Raises BadAddress."""
        self._ways: dict[str, apprise.Apprise] = {}
        self._chats: dict[str, ChatService] = {}
        for name, address in addresses.items():
            way = apprise.Apprise()
            if not way.add(address):
                raise BadAddress(f"{name}: its address is none that apprise understands (mailtos://, wecombot://, …)")
            self._ways[name] = way
            chat = chat_service(address)
            if chat is not None:
                self._chats[name] = chat

    def names(self) -> tuple[str, ...]:
        """As configured."""
        return tuple(self._ways)

    def send(self, name: str, title: str, text: str) -> None:
        """Hand a text over. A service that says no has not taken it; one that breaks off may have."""
        way = self._ways.get(name)
        if way is None:
            raise NotSent(f"{name} is not configured", lasting=True)
        if name in self._chats:
            self._chats[name].send(name, title, text)
            return
        try:
            taken = way.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT)
        except (OSError, TypeError, ValueError) as fault:
            raise NotKnown(f"{name}: {type(fault).__name__}") from None
        if not taken:
            raise NotSent(f"{name} did not take it")
