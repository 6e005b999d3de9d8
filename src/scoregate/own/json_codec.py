"""JSON as the standard library writes and reads it, also after the user's code has put something else in its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class _Encoder(json.JSONEncoder):
    """With its methods as they are now, whatever the class that it derives from is given later."""

    __init__ = json.JSONEncoder.__init__
    encode = json.JSONEncoder.encode
    iterencode = json.JSONEncoder.iterencode

    def default(self, o: Any) -> Any:
        raise TypeError(f"Object of type {type(o).__name__} is not JSON serializable")


class _Decoder(json.JSONDecoder):
    __init__ = json.JSONDecoder.__init__
    decode = json.JSONDecoder.decode
    raw_decode = json.JSONDecoder.raw_decode


def encoder(**options: Any) -> Callable[[Any], str]:
    """A function from values to texts; the options are those of `json.dumps`."""
    encode: Callable[[Any], str] = _Encoder(**options).encode
    return encode


_plain = encoder()
_decoder = _Decoder()


def dumps(value: Any, **options: Any) -> str:
    """`json.dumps`, with the options of its encoder."""
    return encoder(**options)(value) if options else _plain(value)


def loads(text: str | bytes) -> Any:
    """`json.loads` of text, or of UTF-8 bytes."""
    return _decoder.decode(text if isinstance(text, str) else text.decode())
