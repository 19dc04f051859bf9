"""A training that was interrupted, and the conditions under which it goes on."""

import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goodfit.data.io.blocks import Blocks
from goodfit.data.table import Source
from goodfit.errors import DataError, RunError
from goodfit.experiment.prepare import Prepared
from goodfit.experiment.reopening import reopen_source
from goodfit.experiment.run_folder import Begun, Plan
from goodfit.experiment.settings import Settings, settings_from
from goodfit.files import FileMark
from goodfit.formatting import join
from goodfit.search.parallel import SweepCost


def plan_of(
    prepared: Prepared, source: str, file: FileMark | None, *, refine: bool, start: tuple[str, str] | None
) -> Plan:
    """Return the plan of a training that begins now.

    start: the folder of an earlier run, "" for one in memory, and the hash of its network.
    """
    return Plan(
        source=source,
        source_file=file if source else None,
        fingerprint=prepared.sealed.fingerprint(prepared.table),
        target=prepared.target.name,
        settings=prepared.settings.to_json(),
        refine=refine,
        start=start and start[0],
        start_model=start[1] if start else "",
        **Plan.here_and_now(),
    )


def resumed_settings(folder: Path, plan: Plan, given: Mapping[str, Any]) -> Settings:
    """Return the settings that the training was begun with, after a look at what was given now.

    Args:
        given: settings, ``target`` and ``refine`` as they were given now; None and False are not given.

    Raises:
        RunError: something was given that is not as it was, or the exam has been opened meanwhile.
    """
    if (folder / "ledger.jsonl").exists():
        raise RunError(f"The exam of {folder} has been opened, so its training is over: train into another folder.")
    settings = plan.parsed_settings()
    given = {name: value for name, value in given.items() if value not in (None, False)}
    before = settings.to_json() | {"target": plan.target, "refine": plan.refine}
    own = {name: value for name, value in given.items() if name not in ("target", "refine")}
    asked = settings_from({**plan.settings, **own}).to_json() | {name: given[name] for name in given if name not in own}
    changed = [name for name in given if asked[name] != before[name]]
    if changed:
        raise RunError(
            f"The training in {folder} was begun with other values of {join(changed)}: "
            "leave them out to go on, or train into another folder."
        )
    return settings


def resumed_source(plan: Plan) -> Source | Blocks:
    """Return the table that the training was begun with.

    Raises:
        DataError: it was in memory, is gone, or has changed.
    """
    purpose = "the training that goes on"
    settings = plan.parsed_settings()
    return reopen_source(plan.source, plan.source_file, plan.machine, settings=settings, purpose=purpose)


def validate_resumed(folder: Path, before: Plan, now: Plan) -> None:
    """Compare the plan of a training with what is there now, and warn if numbers may differ in their last bits.

    Raises:
        DataError: the table is another one. RunError: the earlier network is.
    """
    if before.fingerprint != now.fingerprint:
        raise DataError(
            f"The table is not the one that the training in {folder} was begun with: "
            "restore that table, or train into another folder."
        )
    if before.start_model != now.start_model:
        raise RunError(
            f"The training in {folder} did not start from this earlier network: give the run that it started from."
        )
    warn_of_other_bits(before)


def warn_of_other_bits(before: Begun) -> None:
    """Warn if numbers may differ in their last bits from those of a training that was begun elsewhere."""
    if changed := before.may_differ_in_bits():
        told = f"{join(changed)} changed since the training began; the last bits of its numbers may differ"
        warnings.warn(told, UserWarning, stacklevel=4)


def warn_of_little_room(folder: Path, cost: SweepCost) -> None:
    """Warn if the disk of a folder has less free space than a training may need.

    That is its results, and three states of what is running: two are kept while the next one is written.
    """
    needed = cost.kept_bytes + 3 * cost.running_bytes
    try:
        free = shutil.disk_usage(folder).free
    except OSError:  # it was removed meanwhile, or the system does not say
        return
    if free < needed:
        told = f"{folder} has {free / 2**20:,.1f} MB of free space, and the training may need {needed / 2**20:,.1f} MB"
        warnings.warn(f"{told}: make room, or choose a folder on another disk", UserWarning, stacklevel=5)
