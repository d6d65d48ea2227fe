"""Every failure the platform expects, with the exit code a process ends with; docs/errors.md lists them.

Expected failures are printed as one line without a traceback; anything else is a bug and shows its traceback.
"""


class AntifraudError(Exception):
    """Base of all expected failures; the message says what was found, what was expected and what to do."""

    exit_code = 1


class SettingsError(AntifraudError):
    """A setting is missing or malformed."""

    exit_code = 10


class ForeignLake(AntifraudError):
    """The warehouse, the catalog, the home and the settings are not of one lake; nothing was touched."""

    exit_code = 11


class LakeNotAdopted(ForeignLake):
    """A lake has tables or files and no identity yet: somebody has to say that it is the settings' own."""

    exit_code = 12


class ForeignPath(ForeignLake):
    """Something that was to be removed lies outside the settings' warehouse or home; nothing was removed."""

    exit_code = 13


class DataError(AntifraudError):
    """Input data is not what the contract says."""

    exit_code = 20


class RawFileError(DataError):
    """A raw file cannot be read as transactions; the message names the file and the position."""

    exit_code = 21


class MissingDay(DataError):
    """A day that is needed is not in the lake, or not in the feed."""

    exit_code = 22


class QuarantineLimit(DataError):
    """Too large a share of a day's rows is unusable; nothing was published."""

    exit_code = 23


class SchemaError(DataError):
    """A table or a request lacks a column, or has one of the wrong type."""

    exit_code = 24


class NotEnoughRows(DataError):
    """A statistic needs more rows than there are; the message says how many are missing."""

    exit_code = 25


class UndefinedMetric(DataError):
    """A metric has no meaning on this sample, such as recall without a fraud."""

    exit_code = 26


class NoFraud(UndefinedMetric):
    """A window has no fraud, or none whose label has come: nothing can be learnt, caught or missed."""

    exit_code = 29


class OnlyFraud(UndefinedMetric):
    """A window has frauds and no legitimate row: there is no false-positive rate."""

    exit_code = 31


class ConstantScore(DataError):
    """Every row of a window has the same score: there is nothing to put a threshold between."""

    exit_code = 27


class NotANumber(DataError):
    """A feature is NaN (unknown is null), a score no integer in 0..1,000,000, or an amount no integer of 0 or more."""

    exit_code = 28


class LeakError(AntifraudError):
    """An identifier was found outside the raw zone; the message says where, never which."""

    exit_code = 30


class ReleaseError(AntifraudError):
    """A release bundle or the release pointer does not verify."""

    exit_code = 40


class ReportError(ReleaseError):
    """A gate report is missing or damaged, or another version of the platform wrote it."""

    exit_code = 43


class GateRefused(AntifraudError):
    """The gate's verdict is not PASS, or it was about another champion than serves now, so nothing was promoted."""

    exit_code = 41


class ChampionUnjudged(AntifraudError):
    """What serves cannot be judged on today's features, and nobody said that it may be replaced all the same."""

    exit_code = 42


class PublishError(AntifraudError):
    """A job ended without publishing what it promised."""

    exit_code = 50


class TrackingError(PublishError):
    """MLflow did not answer, so it does not show what was done; running the same again brings it up to date."""

    exit_code = 51


class StorageError(PublishError):
    """S3 did not answer in time, refused the account, or was too busy; running the same again repairs it."""

    exit_code = 52


class ClockBehind(PublishError):
    """This machine's clock is behind that of the lake's last writer, so the lake takes nothing from it."""

    exit_code = 53


class CatalogError(PublishError):
    """The catalog's database did not answer, refused the account, or is no catalog; running it again repairs it."""

    exit_code = 54


class StoreError(AntifraudError):
    """The scorer's decision store cannot be read or written."""

    exit_code = 60


class StaleEpoch(StoreError):
    """The switch changed since it was read; read it again and decide anew."""

    exit_code = 61


class TransitionRefused(StoreError):
    """The switch cannot go from its present mode to the wanted one."""

    exit_code = 62


class ClientError(AntifraudError):
    """The scorer refused a request, or could not be reached."""

    exit_code = 70
