"""Callbacks of scikit-learn 1.9: a fit is a task, and so is each of its trainings, or each epoch of a single one.

They are told; what they return to stop a fit is not heeded. Before 1.9 an estimator has no ``set_callbacks``.
"""

from collections.abc import Mapping
from typing import Any

from goodfit.search.trials import OnProgress, Progress
from goodfit.training.fit import OnEpoch

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """No callbacks."""

    def with_callbacks(method: Any) -> Any:  # noqa: ANN401
        """Return the method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "FitTasks", "with_callbacks"]


class FitTasks:
    """Tells the callbacks of an estimator what has been done of a fit.

    epochs: of a single training at most; None for several trainings.
    """

    def __init__(self, estimator: Any, epochs: int | None) -> None:  # noqa: ANN401
        self.estimator, self.done = estimator, 0
        self.root: Any = None
        if getattr(estimator, "_skl_callbacks", None) or hasattr(estimator, "_parent_callback_ctx"):
            self.root = estimator._init_callback_context(max_subtasks=epochs)
            self.root.call_on_fit_task_begin(estimator=estimator)

    @property
    def on_progress(self) -> OnProgress | None:
        """What to call when trainings may have ended, if anyone listens."""
        return self._trainings if self.root is not None else None

    @property
    def on_epoch(self) -> OnEpoch | None:
        """What to call after each epoch of a single training, if anyone listens."""
        return self._epoch if self.root is not None else None

    def end(self, X: Any, y: Any) -> None:  # noqa: ANN401
        """The fit has ended, and the estimator can predict."""
        if self.root is not None:
            fitted = {name: found for name, found in vars(self.estimator).items() if not name.startswith("_skl")}
            self.root.call_on_fit_task_end(estimator=self.estimator, X=X, y=y, reconstruction_attributes=fitted)

    def _trainings(self, progress: Progress) -> None:
        for _ in range(progress.done - self.done):
            self._tell("training")
        self.done = progress.done

    def _epoch(self, _: Mapping[str, float]) -> None:
        self._tell("epoch")

    def _tell(self, name: str) -> None:
        task = self.root.subcontext(task_name=name)
        task.call_on_fit_task_begin(estimator=self.estimator)
        task.call_on_fit_task_end(estimator=self.estimator)
