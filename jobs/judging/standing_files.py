"""Files of the standing judgement: its pages and its values in a night's reports, and its copy beside the pointer."""

import argparse
import datetime as dt
from pathlib import Path

from antifraud.artifacts.judgement import read_any_judgement, stand, write_judgement
from antifraud.client.errors import ClientError
from antifraud.client.switch import read_switch
from antifraud.errors import ReportError, SettingsError
from antifraud.files import replace_file
from antifraud.killswitch.judgement import Judgement
from antifraud.settings.core import JobSettings
from jobs.judging.standing import Moment, StandingFound
from jobs.judging.validate import reports_of, write_reports
from jobs.reporting.standing import STANDING_FILE, render_standing, say
from jobs.spark.runtime import calendar_day


def add_onset(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the estimated onset of a change."""
    said = "day on which a change began, as the guard estimates; default: the newest matured days are tested"
    parser.add_argument("--onset", type=calendar_day, metavar="YYYY-MM-DD", help=said)


def folder_of(settings: JobSettings, as_of: dt.date, onset: dt.date | None) -> Path:
    """Return the folder of a judgement; the nightly one and that after a trip have folders of their own."""
    return reports_of(settings, as_of) / (f"standing-since-{onset}" if onset else "standing")


def see_moment(settings: JobSettings, as_of: dt.date, onset: dt.date | None) -> Moment:
    """Return the moment of a judgement, with the switch as the scorer tells it.

    Releases can be judged without a scorer, so a scorer that does not answer is only a warning.
    """
    try:
        switch = read_switch(settings)
    except (ClientError, SettingsError) as error:
        return Moment(as_of, onset, warnings=(f"The scorer has not told its switch ({error}).",))
    if switch is None:
        return Moment(as_of, onset)
    return Moment(as_of, onset, serving=switch.release, switch_epoch=switch.epoch)


def write_standing(folder: Path, found: StandingFound) -> None:
    """Write the page of each release, the page of all, and last the judgement: where it is, all pages are."""
    for release, report in found.reports.items():
        write_reports(report, [folder / release])
    replace_file(folder / STANDING_FILE, render_standing(found.judgement, found.reports.keys()))
    write_judgement(folder, found.judgement)


def publish_standing(settings: JobSettings, folder: Path) -> Judgement:
    """Let the judgement of a folder stand; return the one that stands now.

    Raises:
        ReportError: There is no sound judgement in the folder.
    """
    found = read_any_judgement(folder)
    if found.judgement is None:
        raise ReportError(f"in {folder} {found.words}; run jobs/judge.py for its day again")
    return stand(settings.releases_dir, found.judgement)


def describe_judgement(judgement: Judgement) -> list[str]:
    """Return the lines that a person reads first."""
    good = [each.release for each in judgement.releases if each.passes]
    lines = [f"standing judgement of {judgement.as_of_day} ({judgement.sha256[:16]}…): {say(good)}"]
    lines += [f"  WARNING: {warning}" for warning in judgement.warnings]
    return lines + [f"  {each.release} ({each.role}): {each.reason}" for each in judgement.releases]
