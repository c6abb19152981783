"""Files that people send with a form: read within bounds, and opened as what they say they are. No page."""

from io import BytesIO
from typing import Final
from zipfile import BadZipFile, ZipFile

import python_calamine
from starlette.datastructures import UploadFile
from starlette.requests import Request

from cloud_server.web.forms import BadForm
from protocol.limits import PROFILE_CHARACTERS_MAX
from protocol.workbook.table import Grid

UPLOAD_BYTES_MOST: Final = 4 * 1024 * 1024
"""Two thousand meters are 200 kB of workbook; a logo is less."""
UNPACKED_BYTES_MOST: Final = 64 * 1024 * 1024
"""What a workbook may say that it unpacks to: sheets of two thousand meters are 4 MB."""
PACKED_FILES_MOST: Final = 500
"""Parts of a workbook: a dozen, and one for each sheet."""
FIELDS_MOST: Final = 20
TEXT_BYTES_MOST: Final = 4 * PROFILE_CHARACTERS_MAX
"""One field beside the file: the text of a meter profile, whatever it is written in."""
UPLOAD_TYPE: Final = "multipart/form-data"


class NoWorkbook(Exception):
    """The file is no workbook that can be read."""


async def read_upload(request: Request) -> tuple[dict[str, str], dict[str, bytes]]:
    """The fields and the file of a form. Raises BadForm."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != UPLOAD_TYPE:
        raise BadForm(415, f"a form with a file is sent as {UPLOAD_TYPE}")
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise BadForm(411, "a form with a file says how long it is")
    if int(length) > UPLOAD_BYTES_MOST:
        raise BadForm(413, f"a form with a file has at most {UPLOAD_BYTES_MOST} bytes")
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    async with request.form(max_files=1, max_fields=FIELDS_MOST, max_part_size=TEXT_BYTES_MOST) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files[name] = await value.read()
            else:
                fields[name] = value
    return fields, files


def sheets_of(content: bytes) -> dict[str, Grid]:
    """The sheets of a workbook (.xlsx or .ods) by name. Raises NoWorkbook."""
    try:
        with ZipFile(BytesIO(content)) as packed:
            parts = packed.infolist()
        if len(parts) > PACKED_FILES_MOST or sum(part.file_size for part in parts) > UNPACKED_BYTES_MOST:
            raise NoWorkbook("it unpacks to more than any list of meters")
        with python_calamine.CalamineWorkbook.from_filelike(BytesIO(content)) as book:
            return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except (BadZipFile, python_calamine.CalamineError) as fault:
        raise NoWorkbook(str(fault)) from None
