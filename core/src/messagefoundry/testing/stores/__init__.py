"""The kit for stores.

class TestMyStore(StoreConformance):
    @pytest.fixture
    def subject(self, tmp_path) -> MyStoreSubject: ...
"""

from messagefoundry.testing.stores.again import AgainClauses
from messagefoundry.testing.stores.ahead import AheadClauses
from messagefoundry.testing.stores.batches import BatchClauses
from messagefoundry.testing.stores.bookmarks import BookmarkClauses
from messagefoundry.testing.stores.everyday import EverydayClauses
from messagefoundry.testing.stores.guarding import GuardingClauses
from messagefoundry.testing.stores.hops import HopClauses
from messagefoundry.testing.stores.keeping import KeepingClauses
from messagefoundry.testing.stores.looking_up import LookingUpClauses
from messagefoundry.testing.stores.opening import OpeningClauses
from messagefoundry.testing.stores.refills import RefillClauses
from messagefoundry.testing.stores.removing import RemovingClauses
from messagefoundry.testing.stores.repeats import RepeatClauses
from messagefoundry.testing.stores.sealing import SealingClauses
from messagefoundry.testing.stores.sequences import SequenceClauses
from messagefoundry.testing.stores.subject import StoreSubject


class StoreConformance(
    EverydayClauses,
    BookmarkClauses,
    RepeatClauses,
    BatchClauses,
    HopClauses,
    KeepingClauses,
    GuardingClauses,
    AheadClauses,
    RefillClauses,
    AgainClauses,
    RemovingClauses,
    LookingUpClauses,
    OpeningClauses,
    SealingClauses,
    SequenceClauses,
):
    """What the engine relies on in a store."""


__all__ = ["StoreConformance", "StoreSubject"]
