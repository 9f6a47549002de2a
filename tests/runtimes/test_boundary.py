"""What crosses the boundary between foreign code and ours, and as what."""

from typing import Any

import numpy as np
import pytest

from headgate.errors import Malformed, ModelError, ModelOutputInvalid, Untrusted
from headgate.runtimes.batch import Batch
from headgate.runtimes.boundary import MODEL_CALL, Boundary, answering, foreign, in_a_line

BATCH = Batch(("a",), matrix=np.zeros((3, 1)))


class Leaving(BaseException):
    """Ends whatever runs, as `KeyboardInterrupt` does."""


class Mute(Exception):
    """Has no words for what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Model:
    """Raises what it was told to."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    @answering("The small model failed")
    def predict(self, batch: Batch) -> dict[str, Any]:
        """Answer every row."""
        if self.error is not None:
            raise self.error
        return {"predictions": np.zeros(batch.rows)}


def enter(boundary: Boundary, error: BaseException) -> None:
    with boundary:
        raise error


@pytest.mark.parametrize("error", [KeyError("x"), MemoryError("full"), RecursionError("deep"), SystemExit("enough")])
def test_what_is_foreign_leaves_as_a_model_error(error: BaseException) -> None:
    with pytest.raises(ModelError) as caught:
        enter(foreign("It did not go"), error)
    assert caught.value.message == f"It did not go: {type(error).__name__}: {error}"
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [Untrusted("a"), ModelOutputInvalid("b"), KeyboardInterrupt(), Leaving()])
def test_what_is_ours_or_no_error_passes_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        enter(foreign("It did not go"), error)
    assert caught.value is error


def test_a_text_says_why_and_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"^It did not go: a long story\. Export it\.$"):
        enter(foreign("It did not go", in_a_line, ". Export it."), ValueError("a long\n  story"))
    assert in_a_line(ValueError("x" * 1000), 10) == "x" * 10


def test_what_cannot_be_said_or_sent_leaves_as_text_all_the_same() -> None:
    with pytest.raises(ModelError, match="Mute: .it fails to say"):
        enter(foreign("It did not go"), Mute())
    with pytest.raises(ModelError) as caught:
        enter(foreign("It did not go"), ValueError("naïve \ud800"))
    assert caught.value.message == "It did not go: ValueError: naïve \\ud800"


def test_a_boundary_may_speak_with_another_error() -> None:
    with pytest.raises(Untrusted, match="do not load"):
        enter(Boundary(lambda _: Untrusted("do not load")), ValueError("odd"))


def test_one_boundary_serves_any_number_of_calls() -> None:
    for number in range(3):
        with pytest.raises(ModelError, match=f"^The model failed: ValueError: {number}$"), MODEL_CALL:
            enter(MODEL_CALL, ValueError(number))
    with MODEL_CALL:
        pass


def test_a_model_tells_its_caller_how_many_rows_it_failed_on() -> None:
    assert len(Model().predict(BATCH)["predictions"]) == 3
    with pytest.raises(ModelError, match="^The small model failed on 3 rows: SystemExit: 3$"):
        Model(SystemExit(3)).predict(BATCH)


@pytest.mark.parametrize("error", [ModelError("a"), ModelOutputInvalid("b"), KeyboardInterrupt()])
def test_a_models_own_words_pass(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        Model(error).predict(BATCH)
    assert caught.value is error


@pytest.mark.parametrize("error", [Untrusted("elsewhere"), Malformed("elsewhere")])
def test_other_errors_of_ours_are_no_answer_to_whoever_sent_rows(error: BaseException) -> None:
    for ask in (lambda: Model(error).predict(BATCH), lambda: enter(MODEL_CALL, error)):
        with pytest.raises(ModelError, match=f"{type(error).__name__}: elsewhere") as caught:
            ask()
        assert type(caught.value) is ModelError and caught.value.__cause__ is error


def test_a_guarded_method_keeps_its_name_and_its_words() -> None:
    assert Model.predict.__name__ == "predict" and Model.predict.__doc__ == "Answer every row."
