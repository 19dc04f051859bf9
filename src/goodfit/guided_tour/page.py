"""The tour as one page: the program is run cell by cell, and the results are drawn."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from goodfit.errors import RunError
from goodfit.files import write_file
from goodfit.guided_tour import cycle, fits, paths, penalty, steps
from goodfit.guided_tour.chapter import Chapter, Names, Step, cells
from goodfit.guided_tour.summary import summary
from goodfit.reporting.pages import Figure, render
from goodfit.search.sweep import Sweep
from goodfit.training.fit import Training

CHAPTERS: tuple[Chapter, ...] = (
    fits.CHAPTER,
    *penalty.CHAPTERS,
    steps.RATES,
    paths.CHAPTER,
    steps.WORDS,
    *cycle.CHAPTERS,
)

OnChapter = Callable[[int, int, str], None]
"""Called before each chapter with its number, how many there are, and its heading."""


def tour(path: str | Path = "tour.html", *, overwrite: bool = False, on_chapter: OnChapter | None = None) -> Path:
    """Write a guided tour of regularised training: one HTML file with figures of trainings that run now.

    Three fits, weights without and with L2, the regularization path, three learning rates, zigzag and smooth path,
    common and rare words, the data split, early stopping, the complete training cycle; each with its code. At the end a
    table: concept, what it does, analogy, measurement. Takes less than a minute on two cores and works offline. Seeds
    are fixed.

    Args:
        path: the file, written in one step.
        overwrite: replace an existing file.
        on_chapter: called before each chapter.

    Raises:
        RunError: the file exists, or cannot be written.
    """
    out = Path(path)
    check_page(out, overwrite=overwrite)
    text = html(on_chapter)
    try:
        write_file(out, text.encode(), replace=overwrite)
    except OSError as error:
        raise RunError(f"{str(out)!r} cannot be written ({error.strerror}): choose another file.") from error
    return out


def check_page(out: Path, *, overwrite: bool) -> None:
    """RunError, before anything is trained, if the page cannot be written."""
    if out.is_dir():
        raise RunError(f"{str(out)!r} is a folder: choose a file in it.")
    if not out.parent.is_dir():
        raise RunError(f"{str(out.parent)!r} does not exist: choose a file in an existing folder.")
    if out.exists() and not overwrite:
        raise RunError(f"{str(out)!r} already exists: choose another file, or replace it with overwrite=True.")


def html(on_chapter: OnChapter | None = None) -> str:
    """The page as text, after all trainings."""
    names: dict[str, Any] = {"__name__": "tour"}
    figures: list[Figure] = []
    before: dict[str, tuple[Step, ...]] = {}
    for number, chapter in enumerate(CHAPTERS, start=1):
        if on_chapter is not None:
            on_chapter(number, len(CHAPTERS), chapter.heading)
        code = cells()[chapter.name]
        exec(compile(code, f"<tour: {chapter.heading}>", "exec"), names)
        picture = chapter.picture(names)
        figures.append(Figure(chapter.name, chapter.heading, picture.sentence, picture.charts, code))
        before[chapter.name] = tuple(picture.steps)
    return _page(figures, before, names)


def _page(figures: list[Figure], before: Mapping[str, tuple[Step, ...]], names: Names) -> str:
    trainings = trainings_of(names)
    return render(
        "guided_tour/tour.html.j2",
        figures,
        extra_css=(files(__package__) / "tour.css").read_text(encoding="utf-8"),
        chapters=list(zip(CHAPTERS, figures, strict=True)),
        steps=before,
        summary=summary(names),
        n_trainings=len(trainings),
        n_epochs=sum(training.history.n_epochs for training in trainings),
    )


def trainings_of(names: Names) -> list[Training]:
    """Every training in the variables of the program, once."""
    found: dict[int, Training] = {}
    for value in names.values():
        of_sweep = value.trainings if isinstance(value, Sweep) else ()
        own = (value,) if isinstance(value, Training) else ()
        found |= {id(training): training for training in (*of_sweep, *own)}
    return list(found.values())
