"""What the benchmark of streams takes."""

import pytest

from openprequal.bench import inference
from openprequal.bench.__main__ import main, parser


def test_by_default_every_way_takes_its_turns() -> None:
    options = parser().parse_args(["inference"])
    assert options.ways == list(inference.WAYS)


def test_an_unknown_way_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["inference", "--ways", "random"])
    assert "least_in_flight" in capsys.readouterr().err
