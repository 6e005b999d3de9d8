"""Files in and out: decoding with line numbers, strict JSON, writing whole or not at all."""
