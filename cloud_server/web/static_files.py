"""Our own style sheets, scripts and icons, and those of others in `vendor/`: served from memory under hashed names."""

import hashlib
from pathlib import Path
from typing import Final

from starlette.responses import Response

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final[dict[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".ogg": "audio/ogg",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
"""The name holds the hash of the contents: another contents has another name."""
_HASH_DIGITS: Final = 12


class StaticNames:
    """Knows each file, the name under which pages ask for it, and its bytes."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._files: dict[str, tuple[bytes, str]] = {}
        self._digests: dict[str, str] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in _TYPES:
                name = path.relative_to(folder).as_posix()
                data = path.read_bytes()
                self._files[name] = (data, _TYPES[path.suffix])
                self._digests[name] = hashlib.sha256(data).hexdigest()[:_HASH_DIGITS]

    def path_of(self, name: str) -> str:
        """The address of a file for a page; a name that is not there is our mistake."""
        return f"/static/{self._digests[name]}/{name}"

    def answer(self, digest: str, name: str) -> Response:
        """The file. Asked for under another digest (by a page from before an upgrade) it is not to be kept."""
        found = self._files.get(name)
        if found is None:
            return Response(status_code=404)
        data, media_type = found
        keep = _FOR_EVER if self._digests[name] == digest else "no-store"
        return Response(data, media_type=media_type, headers={"Cache-Control": keep})
