"""One-time codes by time (RFC 6238), and the picture that a phone reads. Knows no people and no rows."""

import hmac

import pyotp
import segno

from protocol.units import Ms

STEP_S = 30
STEPS_AWAY = 1
"""A phone's clock may be half a minute off, and a code takes a moment to type."""
DIGITS = 6


class TimeCodes:
    """Implements `ports.factors.Codes` with pyotp: SHA-1, six digits, 30 seconds, as every phone's program takes."""

    def new_secret(self) -> str:
        """160 bits, in base32."""
        return pyotp.random_base32()

    def address(self, secret: str, name: str, issuer: str) -> str:
        """The otpauth address for the QR picture."""
        return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)

    def step_of(self, secret: str, code: str, now_ms: Ms) -> int | None:
        """The step whose code this is. All are compared, so that the time tells nothing."""
        typed = "".join(code.split())
        if len(typed) != DIGITS or not typed.isascii() or not typed.isdigit():
            return None
        now = now_ms // 1_000 // STEP_S
        found = None
        for step in range(now - STEPS_AWAY, now + STEPS_AWAY + 1):
            if hmac.compare_digest(pyotp.TOTP(secret).generate_otp(step), typed):
                found = step
        return found


def picture_of(address: str) -> str:
    """The QR picture as a data address: nothing is fetched, and no script is needed."""
    return str(segno.make(address, error="m").svg_data_uri(scale=5, border=4, light="#ffffff"))
