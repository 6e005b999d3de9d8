"""JSON Schemas of gate files and score catalogs, made from the tables that their readers go by.

Editors complete and check a file with them. They say what a file may look like; whether its parts fit together (a score
that the catalog knows, a margin within its range) only the reader can tell, and it stays the judge.
"""

from scoregate.config_schema.files import catalog_schema, gate_schema

__all__ = ["catalog_schema", "gate_schema"]
