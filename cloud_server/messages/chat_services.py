"""WeCom, DingTalk and Feishu group robots: what is posted to each, and what its answer means.

These three answer HTTP 200 also when they take nothing (wrong key, too many messages, a keyword missing) and say so in
the body alone; apprise looks at the status alone. So apprise reads the addresses here, and the answer is judged by us.
Sources: the services' own pages on custom group robots (developer.work.weixin.qq.com/document/path/91770,
open.dingtalk.com custom-robot-access, open.feishu.cn bot-v2 custom bot).
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import apprise
import httpx

from cloud_server.ports.messages import NotKnown, NotSent

TIMEOUT_S: Final = 20.0
"""The services answer in a second or two."""
REASON_CHARACTERS_MAX: Final = 120
"""Of what a service says of its no: enough for a person, too little to fill a log."""


@dataclass(frozen=True, slots=True)
class ChatService:
    """One group of one service. `verdict`: the name of the number in the answer that is 0 when the text was taken."""

    url: str
    query: Mapping[str, str]
    verdict: str
    secret: str | None = None
    mobiles: tuple[str, ...] = ()

    def send(self, name: str, title: str, text: str) -> None:
        """Hand a text over. Raises NotSent when the service did not take it, NotKnown when its answer was not heard."""
        words = f"{title}\n{text}" if title else text
        try:
            answer = httpx.post(
                self.url,
                params={**self.query, **self._signature(time.time_ns() // 1_000_000)},
                json=self._body(words),
                timeout=TIMEOUT_S,
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as fault:
            raise NotSent(f"{name} was not reached: {type(fault).__name__}") from None
        except httpx.HTTPError as fault:
            raise NotKnown(f"{name}: {type(fault).__name__}") from None
        self._judge(name, answer)

    def _body(self, words: str) -> dict[str, Any]:
        match self.verdict:
            case "code":
                return {"msg_type": "text", "content": {"text": words}}
            case _ if self.mobiles:
                return {
                    "msgtype": "text",
                    "text": {"content": words},
                    "at": {"atMobiles": list(self.mobiles), "isAtAll": False},
                }
            case _:
                return {"msgtype": "text", "text": {"content": words}}

    def _signature(self, now_ms: int) -> dict[str, str]:
        """DingTalk's signature: HMAC-SHA256 over time and secret, keyed by the secret."""
        if self.secret is None:
            return {}
        signed = hmac.digest(self.secret.encode(), f"{now_ms}\n{self.secret}".encode(), hashlib.sha256)
        return {"timestamp": str(now_ms), "sign": base64.b64encode(signed).decode()}

    def _judge(self, name: str, answer: httpx.Response) -> None:
        if answer.status_code != httpx.codes.OK:
            raise NotSent(f"{name} answered {answer.status_code}")
        try:
            said = answer.json()
            number = said[self.verdict]
        except (ValueError, KeyError, TypeError):
            raise NotKnown(f"{name}: an answer without {self.verdict}") from None
        if number != 0:
            reason = str(said.get("errmsg") or said.get("msg") or "")[:REASON_CHARACTERS_MAX]
            raise NotSent(f"{name} did not take it: {number} {reason}")


def chat_service(address: str) -> ChatService | None:
    """The group that an apprise address names; None where it names something else (mail, a webhook …)."""
    found: Any = apprise.Apprise.instantiate(address)
    match getattr(found, "secure_protocol", None):
        case "wecombot":
            return ChatService("https://qyapi.weixin.qq.com/cgi-bin/webhook/send", {"key": found.key}, "errcode")
        case "dingtalk":
            query, secret, mobiles = {"access_token": found.token}, found.secret or None, tuple(found.targets)
            return ChatService("https://oapi.dingtalk.com/robot/send", query, "errcode", secret, mobiles)
        case "feishu":
            return ChatService(f"https://open.feishu.cn/open-apis/bot/v2/hook/{found.token}", {}, "code")
        case _:
            return None
