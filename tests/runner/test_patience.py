from scoregate.runner.budget import Patience


def test_patience_lasts_as_long_as_nothing_else_is_heard() -> None:
    now = [0.0]
    patience = Patience(60.0, lambda: now[0])
    assert patience.asked_to_wait(3600.0) == 60.0
    now[0] = 50.0
    assert patience.asked_to_wait(3.0) == 3.0
    assert patience.asked_to_wait(3600.0) == 10.0
    now[0] = 60.0
    assert patience.asked_to_wait(3.0) is None
    patience.heard()
    assert patience.asked_to_wait(3600.0) == 60.0
