"""How full the store was, from time to time: what the storage page plots."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from repoman.models.meta import Base, UtcDateTime


class StorageSample(Base):
    """The store at the moment ``taken``, in bytes.

    ``files`` is what the stored files hold together, ``free`` and ``size`` the room that the store
    had left and in all, whoever else keeps something beside it.
    """

    __tablename__ = "storage_sample"

    taken: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    files: Mapped[int] = mapped_column(BigInteger)
    free: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
