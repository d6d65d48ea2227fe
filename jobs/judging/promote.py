"""Put a candidate that passed into service, and judge a release to go back to."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from antifraud.artifacts.bundle import open_release, write_bundle
from antifraud.artifacts.pointer import Pointer, activate, read_pointer
from antifraud.client.switch import read_switch
from antifraud.errors import ChampionUnjudged, GateRefused, ReleaseError, SettingsError, TrackingError
from antifraud.features.registry import feature_set_hash
from antifraud.files import sha256_of
from antifraud.gate.findings import Verdict
from antifraud.gate.report import GateReport, read_report
from antifraud.keys.signing import PublicKey, SigningKey
from antifraud.model.evaluator import CALIBRATION_FILE, MODEL_FILE
from antifraud.model.trees import TREES_FILE
from antifraud.settings.core import JobSettings
from jobs.adapters.mlflow import Registry
from jobs.judging.limits import limits_of
from jobs.judging.rollback import judge_today
from jobs.judging.switching import require_in_time, require_movable, resume_service
from jobs.reporting.card import CARD_FILE, model_card
from jobs.reporting.chart import CHART_FILE, report_chart
from jobs.reporting.page import PAGE_FILE, render
from jobs.training.candidate import GOLDEN_FILE, REPORT_FILE, Candidate, candidate_path, read_candidate

DECIDING: Final = (MODEL_FILE, CALIBRATION_FILE, TREES_FILE, GOLDEN_FILE)
"""Files of a candidate that decide, and the golden rows that prove their decisions."""


def promote(settings: JobSettings, as_of: dt.date, *, replace_unjudged: str | None = None, resume: str = "") -> Pointer:
    """Release the candidate of a day and point to it; a second call changes nothing.

    `replace_unjudged` names a release of other features that may be replaced although it could not be judged. If the
    candidate was released before and a later validation decided the same, its first bundle is kept. A reason to
    `resume` lets the candidate serve also if the service is suspended or rolled back.

    Raises:
        GateRefused: The gate's report forbids it, the pointer was moved since it was written, a release of a later
            day serves, or the service is held and not to be resumed.
        ChampionUnjudged: What serves has other features, and is not the release that `replace_unjudged` names.
        ReleaseError: There is no candidate, it was not validated, or this code computes other features.
        SettingsError: The keys of releases are missing, or do not belong together.
        ClientError: The scorer did not tell its switch, or refused to be resumed.
    """
    candidate = read_candidate(candidate_path(settings, as_of))
    report = read_report(candidate.path / REPORT_FILE)
    if why := report.why_not_promotable():
        raise GateRefused(f"candidate {candidate.id}: {why}")
    _require_todays_features(candidate)
    serving, switch = read_pointer(settings.releases_dir), read_switch(settings)
    require_movable(switch, is_first=serving is None, resume=resume)
    _require_newest(settings, serving, as_of)
    _require_unmoved(candidate, report, serving)
    unjudged = _unjudged(settings, candidate, serving)
    if unjudged and serving and serving.release != replace_unjudged:
        raise ChampionUnjudged(unjudged)
    public = _write_release(settings, candidate, report)
    reason = f"in place of {replace_unjudged}, which could not be judged" if unjudged else ""
    sequence = serving.sequence if serving else 0
    epoch = switch.epoch if switch else None
    pointer = activate(
        settings.releases_dir, candidate.id, public, expected_sequence=sequence, reason=reason, seen_epoch=epoch
    )
    # The pointer first: until the service is resumed it decides nothing, so a kill in between is only a longer wait.
    if switch and switch.is_held and resume:
        resume_service(settings, switch, resume, sha256_of(candidate.path / REPORT_FILE))
    elif switch and serving:
        require_in_time(settings, before=serving, after=pointer)
    return pointer


def _write_release(settings: JobSettings, candidate: Candidate, report: GateReport) -> PublicKey:
    """Write the bundle of a candidate, unless it exists; return the key that it verifies with."""
    signing, public = _keys(settings)
    manifest = _manifest(candidate, report)
    if not _is_released(settings, candidate, manifest):
        write_bundle(settings.releases_dir, candidate.id, _files(candidate, report), manifest, signing)
    return public


def _is_released(settings: JobSettings, candidate: Candidate, manifest: Mapping[str, Any]) -> bool:
    """Return whether a sound bundle of this model exists, with the same threshold, limits and verdict."""
    try:
        bundle = open_release(settings, candidate.id)
    except ReleaseError:
        return False
    if bundle.manifest != json.loads(json.dumps(manifest)):
        return False
    return all(bundle.read(name) == (candidate.path / name).read_bytes() for name in DECIDING)


def _keys(settings: JobSettings) -> tuple[SigningKey, PublicKey]:
    """Return the pair of keys, checked before a bundle is written that no scorer would accept."""
    signing = SigningKey.read(settings.release_signing_key_path)
    public = PublicKey.read(settings.release_public_key_path)
    try:
        public.check(b"", signing.sign(b""))
    except ReleaseError:
        raise SettingsError(
            f"{settings.release_public_key_path} is not the public half of the signing key: put the right one there"
        ) from None
    return signing, public


def _require_todays_features(candidate: Candidate) -> None:
    if (theirs := candidate.info["feature_set"]) != (ours := feature_set_hash()):
        raise ReleaseError(
            f"candidate {candidate.id} was trained on feature set {theirs}, this code has {ours}: train it again"
        )


def _require_unmoved(candidate: Candidate, report: GateReport, serving: Pointer | None) -> None:
    """Refuse a candidate that was judged beside another champion, or before a person rolled back."""
    found, expected = serving.sequence if serving else 0, report.pointer_sequence
    if serving and serving.release != candidate.id and found != expected:
        raise GateRefused(
            f"candidate {candidate.id} was validated at change {expected} of the release pointer, now it is at change "
            f"{found} and {serving.release} serves: run jobs/validate.py again"
        )


def _require_newest(settings: JobSettings, pointer: Pointer | None, as_of: dt.date) -> None:
    """Refuse to replace a release of a later night with a backfilled one; a broken release may be replaced."""
    if pointer is None:
        return
    try:
        serving = open_release(settings, pointer.release).manifest["as_of"]
    except ReleaseError as error:
        print(f"the release that serves is broken, so this one may replace it: {error}")
        return
    if dt.date.fromisoformat(serving) > as_of:
        raise GateRefused(
            f"release {pointer.release} is newer than {as_of} and serves: use --release to go back to an older one"
        )


def _unjudged(settings: JobSettings, candidate: Candidate, serving: Pointer | None) -> str | None:
    """Return why the champion could not be judged beside the candidate; None if it could, or if it is broken."""
    if serving is None or serving.release == candidate.id:
        return None
    try:
        champion = open_release(settings, serving.release).manifest
    except ReleaseError:
        return None
    theirs, ours = champion["feature_set"], candidate.info["feature_set"]
    if theirs == ours:
        return None
    difference = _difference(champion.get("features", ()), candidate.info["features"])
    return (
        f"{serving.release}, which serves, has feature set {theirs}, candidate {candidate.id} has {ours} "
        f"({difference}): it cannot be judged on today's features, so nobody knows whether the candidate is worse, and "
        f"{serving.release} stays. Read the candidate's report; if that is enough, promote with "
        f"--replace-unjudged {serving.release} (DAG retrain: replace_unjudged)"
    )


def _difference(theirs: Iterable[str], ours: Iterable[str]) -> str:
    gone, new = sorted(set(theirs) - set(ours)), sorted(set(ours) - set(theirs))
    parts = [f"{word} {', '.join(names)}" for word, names in (("without", gone), ("new", new)) if names]
    return "; ".join(parts) or "the same names, other formulas"


def _files(candidate: Candidate, report: GateReport) -> dict[str, bytes]:
    kept = (*DECIDING, REPORT_FILE)
    files = {name: (candidate.path / name).read_bytes() for name in kept}
    pages = {CARD_FILE: model_card(candidate.info, report), CHART_FILE: report_chart(report), PAGE_FILE: render(report)}
    return {**files, **{name: text.encode() for name, text in pages.items()}}


def _manifest(candidate: Candidate, report: GateReport) -> dict[str, Any]:
    described = ("as_of", "feature_set", "features", "features_snapshot", "days", "windows", "counts", "seed")
    decided = {"threshold": report.threshold, "verdict": str(report.verdict), "limits": asdict(report.limits)}
    # The guard reads these. A window that could not tell leaves the noise out, and the guard assumes a cautious one.
    watched = {"known_shares": list(report.known_shares), "transactions_a_month": report.judged_transactions_a_month}
    watched |= {"noise": report.noise.to_dict()} if report.noise else {}
    # A candidate of an earlier version does not say which labels it read.
    names = ("labels_snapshot", "client_labels_snapshot")
    labels = {name: candidate.info[name] for name in names if name in candidate.info}
    return {name: candidate.info[name] for name in described} | labels | decided | watched


def require_pass_today(settings: JobSettings, release: str) -> str:
    """Judge a release on today's data and show why; return the SHA-256 of what was found.

    Raises:
        GateRefused: It breaks a limit today; the message says which.
        ReleaseError: There is no such release, it does not verify, or this code computes other features.
        NotEnoughRows: Too few days have matured since it was trained.
    """
    report = judge_today(settings, open_release(settings, release), limits_of(settings))
    print(f"{report.verdict}: release {release} on today's data", *report.reasons, report.action, sep="\n  ")
    if report.verdict is not Verdict.PASS:
        raise GateRefused(f"release {release}: {report.verdict} on today's data, so the serving one stays")
    text = json.dumps([release, report.verdict, *report.reasons, report.action])
    return hashlib.sha256(text.encode()).hexdigest()


def follow(settings: JobSettings, pointer: Pointer) -> None:
    """Make MLflow's aliases agree with the pointer.

    Raises:
        TrackingError: MLflow did not answer, or lacks the release. The pointer stays moved; run it again.
    """
    try:
        Registry.connect(settings).project(pointer)
    except TrackingError as error:
        raise TrackingError(
            f"release {pointer.release} serves, only MLflow's aliases do not say so yet: {error}"
        ) from error
