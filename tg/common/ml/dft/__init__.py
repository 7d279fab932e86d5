"""Data frame transformers: cleaned columns that keep their names."""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from .categorical import CategoricalTransformer2 as CategoricalTransformer2
    from .column_transformer import DataFrameColumnsTransformer as DataFrameColumnsTransformer
    from .continuous import ContinousTransformer as ContinousTransformer
    from .continuous import ContinuousTransformer as ContinuousTransformer
    from .datetimes import DatetimeTransformer as DatetimeTransformer
    from .factory import DataFrameTransformerFactory as DataFrameTransformerFactory
    from .missing import MissingIndicatorWithReporting as MissingIndicatorWithReporting
    from .replacement import CategoricalTransformer as CategoricalTransformer
    from .replacement import MostPopularStrategy as MostPopularStrategy
    from .replacement import OneHotEncoderForDataframe as OneHotEncoderForDataframe
    from .replacement import TopKPopularStrategy as TopKPopularStrategy
    from .transformer import DataFrameTransformer as DataFrameTransformer

__all__ = [
    "CategoricalTransformer",
    "CategoricalTransformer2",
    "ContinousTransformer",
    "ContinuousTransformer",
    "DataFrameColumnsTransformer",
    "DataFrameTransformer",
    "DataFrameTransformerFactory",
    "DatetimeTransformer",
    "MissingIndicatorWithReporting",
    "MostPopularStrategy",
    "OneHotEncoderForDataframe",
    "TopKPopularStrategy",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CategoricalTransformer": ".replacement",
        "CategoricalTransformer2": ".categorical",
        "ContinousTransformer": ".continuous",
        "ContinuousTransformer": ".continuous",
        "DataFrameColumnsTransformer": ".column_transformer",
        "DataFrameTransformer": ".transformer",
        "DataFrameTransformerFactory": ".factory",
        "DatetimeTransformer": ".datetimes",
        "MissingIndicatorWithReporting": ".missing",
        "MostPopularStrategy": ".replacement",
        "OneHotEncoderForDataframe": ".replacement",
        "TopKPopularStrategy": ".replacement",
    },
)
