from __future__ import annotations

import pytest

from scoregate.records import DatasetItem


@pytest.fixture
def item() -> DatasetItem:
    return DatasetItem("order-1", {"question": "Where is it? ü"}, "on its way", {"intent": "shipping"})
