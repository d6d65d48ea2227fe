"""Every failure that the platform expects, each with the exit code of the process that it ends.

An expected failure is printed as one line without a traceback. Any other exception is a defect and shows its traceback.
Those of clusters, of policies, of the shipped tables and of the SDK are in `errors` of their packages.
docs/errors.md is generated from these classes, so a new exit code is one class. Some failures are always caught:
by the scorer, which answers with a status, by the guard, which retries, or by a client of the SDK.
"""


class AntifraudError(Exception):
    """Base of all expected failures; the message says what was found, what was expected and what to do."""

    exit_code = 1


class SettingsError(AntifraudError):
    """A setting is missing or malformed."""

    exit_code = 10


class ForeignLake(AntifraudError):
    """Warehouse, catalog, home and settings do not belong to one lake; nothing was changed."""

    exit_code = 11


class LakeNotAdopted(ForeignLake):
    """A lake has tables or files but no identity; a person has to adopt it for these settings."""

    exit_code = 12


class ForeignPath(ForeignLake):
    """A path to be removed lies outside the warehouse and the home of the settings; nothing was removed."""

    exit_code = 13


class DaysError(AntifraudError):
    """The days that were asked for make no sense: a range that ends before it begins, a run without a day."""

    exit_code = 14


class DataError(AntifraudError):
    """Input data breaks its contract."""

    exit_code = 20


class RawFileError(DataError):
    """A raw file cannot be read as transactions; the message names file and position."""

    exit_code = 21


class MissingDay(DataError):
    """A required day is missing from the lake or from the feed."""

    exit_code = 22


class QuarantineLimit(DataError):
    """Too many of a day's rows are unusable; nothing was published."""

    exit_code = 23


class SchemaError(DataError):
    """A table, a file or a request lacks a column or field, or has one of the wrong type."""

    exit_code = 24


class NotEnoughRows(DataError):
    """A statistic needs more rows than there are; the message says how many are missing."""

    exit_code = 25


class UndefinedMetric(DataError):
    """A metric has no meaning on this sample, such as recall without a fraud."""

    exit_code = 26


class NoFraud(UndefinedMetric):
    """A window has no fraud with a label, so there is nothing to learn, to catch or to miss."""

    exit_code = 29


class OnlyFraud(UndefinedMetric):
    """A window has frauds but no legitimate row, so there is no false-positive rate."""

    exit_code = 31


class ConstantScore(DataError):
    """Every row of a window has the same score, so no threshold separates them."""

    exit_code = 27


class NotANumber(DataError):
    """A feature is NaN instead of null, or a score (0..1,000,000) or an amount (0 or more) is not such an integer."""

    exit_code = 28


class AmountOverflow(DataError):
    """Amounts add up to more than a sum of minor units can hold; nothing was judged."""

    exit_code = 33


class NotIdentified(DataError):
    """Labels of served days depend on what was flagged there, so no figure of another release is known."""

    exit_code = 35


class LeakError(AntifraudError):
    """An identifier was found outside the raw zone; the message names the place and never the identifier."""

    exit_code = 30


class UnsearchableError(AntifraudError):
    """No leak was found, but something could not be searched for identifiers; the message names path and reason."""

    exit_code = 32


class ReleaseError(AntifraudError):
    """A release bundle or the release pointer does not verify."""

    exit_code = 40


class ReportError(ReleaseError):
    """A gate report is missing or damaged, or another version of the platform wrote it."""

    exit_code = 43


class GateRefused(AntifraudError):
    """The gate's verdict is not PASS, or compares with a release that no longer serves; nothing was promoted."""

    exit_code = 41


class ChampionUnjudged(AntifraudError):
    """The serving release cannot be judged on today's features, and nobody has allowed to replace it unjudged."""

    exit_code = 42


class PublishError(AntifraudError):
    """A job ended without publishing its result."""

    exit_code = 50


class TrackingError(PublishError):
    """MLflow did not answer and is out of date; running the same command again brings it up to date."""

    exit_code = 51


class StorageError(PublishError):
    """S3 did not answer in time, refused the account, or was too busy; the run can be repeated."""

    exit_code = 52


class ClockBehind(PublishError):
    """This machine's clock is behind the clock of the lake's last writer, so it cannot commit."""

    exit_code = 53


class CatalogError(PublishError):
    """The catalog's database did not answer, refused the account, or holds no catalog; the run can be repeated."""

    exit_code = 54


class StoreError(AntifraudError):
    """The scorer's decision store cannot be read or written."""

    exit_code = 60


class StaleEpoch(StoreError):
    """The switch has changed since it was read; read it again and decide anew."""

    exit_code = 61


class TransitionRefused(StoreError):
    """The switch cannot change from its present mode to the requested one."""

    exit_code = 62


class SwitchedOff(AntifraudError):
    """The switch suspends the service; nothing was decided or written."""

    exit_code = 63


class OtherPayload(AntifraudError):
    """The transaction id was already decided for another payload; the first decision stands."""

    exit_code = 64


class NothingToServe(AntifraudError):
    """The scorer has loaded no release or no state yet, so it decides nothing."""

    exit_code = 65


class NotTaken(AntifraudError):
    """A webhook's subscriber could not be reached, or did not answer with 2xx; the guard retries."""

    exit_code = 66


class CourierFailed(AntifraudError):
    """A defect has ended the guard's courier, so the guard ends too; its supervisor starts it again."""

    exit_code = 82


class EventTimeRefused(AntifraudError):
    """An event is older than the scorer accepts, or lies too far ahead; nothing was decided or written."""

    exit_code = 67


class StoreFull(StoreError):
    """The decision store has no room for this change; what must always be possible, such as a suspension, still is."""

    exit_code = 68


class StoreBusy(StoreError):
    """Another process holds the lock of the decision store for too long, or uses the store; nothing was changed."""

    exit_code = 69


class StoreForeign(StoreError):
    """There is no decision store, or it is not the one that has made this service's decisions."""

    exit_code = 80


class StoreDamaged(StoreError):
    """The decision store is damaged, by a power cut or by its disk; see the runbook for the way back."""

    exit_code = 81


class NotLeading(StoreError):
    """Another guard leads; whatever this one was about to change is left to it."""

    exit_code = 94


class UnknownKey(AntifraudError):
    """A token was made with a key that is not in use; nothing was decided or written."""

    exit_code = 83
