"""The tour as one page: the program of the guide is run, cell by cell, and drawn."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from goodfit.errors import RunError
from goodfit.experiment.run_folder import write_file
from goodfit.guided_tour import cycle, fits, paths, penalty, steps
from goodfit.guided_tour.chapter import Chapter, Names, Step, cells
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
    """Write the guide, measured: one HTML file whose pictures are drawn from trainings that run now.

    Three fits, weights without and with L2, the ladder of λ, three learning rates, zigzag and smooth path, common and
    rare words, the split of 1,000 rows, early stopping, the complete cycle; each with the code that made it. Takes
    less than a minute on two cores and needs no network. Seeds are fixed.

    Args:
        path: the file, written in one step.
        overwrite: replace one that is there.
        on_chapter: told of every chapter before its trainings begin.

    Raises:
        RunError: something is there already, or cannot be written.
    """
    out = Path(path)
    check_page(out, overwrite=overwrite)
    text = html(on_chapter)
    try:
        write_file(out, text.encode())
    except OSError as error:
        raise RunError(f"{str(out)!r} cannot be written ({error.strerror}): name another file (--out).") from error
    return out


def check_page(out: Path, *, overwrite: bool) -> None:
    """RunError, before anything is trained, if the page could not be written in the end."""
    if out.is_dir():
        raise RunError(f"{str(out)!r} is a folder: name a file in it (--out).")
    if not out.parent.is_dir():
        raise RunError(f"{str(out.parent)!r} is no folder: name a file in one that is there (--out).")
    if out.exists() and not overwrite:
        raise RunError(f"{str(out)!r} is there already: name another file (--out), or replace it (--force).")


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
        n_trainings=len(trainings),
        n_epochs=sum(training.history.n_epochs for training in trainings),
    )


def trainings_of(names: Names) -> list[Training]:
    """Every training that the program has named, once."""
    found: dict[int, Training] = {}
    for value in names.values():
        of_sweep = value.trainings if isinstance(value, Sweep) else ()
        own = (value,) if isinstance(value, Training) else ()
        found |= {id(training): training for training in (*of_sweep, *own)}
    return list(found.values())
