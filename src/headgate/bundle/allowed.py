"""The globals that files of ordinary estimators need, and that can do no harm whatever they are called with.

Nothing here opens a file, imports by name, evaluates text or fetches an attribute by name: one such callable is enough
to run any code (`numpy._core._ufunc_reconstruct` imports what it is told, a scipy distribution executes a template from
its state). Names that only look harmless have a stand-in instead, which keeps nothing and does nothing.
"""

import re

ARRAY_WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")
MEMORY_MAP = ("numpy", "memmap")
GETATTR = ("builtins", "getattr")

# packages of scikit-learn whose classes hold a fitted estimator's state; not datasets, externals, utils or callback
SKLEARN_PACKAGES = (
    "_loss base calibration cluster compose covariance cross_decomposition decomposition discriminant_analysis dummy"
    " ensemble feature_extraction feature_selection frozen gaussian_process impute isotonic kernel_approximation"
    " kernel_ridge linear_model manifold metrics mixture model_selection multiclass multioutput naive_bayes neighbors"
    " neural_network pipeline preprocessing random_projection semi_supervised svm tree"
)
PACKAGES = frozenset(SKLEARN_PACKAGES.split())
CLASS_NAME = re.compile(r"_{0,2}[A-Z]\w*", re.ASCII)
CYTHON_UNPICKLE = re.compile(r"__pyx_unpickle_[A-Z]\w*", re.ASCII)
# scores, distances and kernels that estimators keep as parameters
MEASURES = re.compile(
    r"[a-z]\w*_(score|error|loss|distances|distances_argmin|kernel|similarity|deviance|coefficient|information)",
    re.ASCII,
)
MEASURE_MODULES = re.compile(
    r"sklearn\.metrics(\.(_classification|_regression|_ranking|pairwise|cluster\._(un)?supervised))?"
)

NAMES: dict[str, str] = {
    "builtins": "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple",
    "collections": "Counter OrderedDict defaultdict deque",
    "copyreg": "_reconstructor",
    "_codecs": "encode",
    "datetime": "date datetime time timedelta timezone",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "functools": "partial",
    "numpy": (
        "bool bool_ bytes_ complex64 complex128 datetime64 dtype float16 float32 float64 floating generic int8 int16"
        " int32 int64 integer intc intp longlong ndarray number object_ str_ timedelta64 uint8 uint16 uint32 uint64"
        " ulonglong abs absolute arccos arccosh arcsin arcsinh arctan arctanh asarray cbrt ceil clip cos cosh deg2rad"
        " exp exp2 expm1 fabs fix floor isfinite isinf isnan log log10 log1p log2 max mean median min nan_to_num nanmax"
        " nanmean nanmedian nanmin nanstd nansum negative positive prod rad2deg ravel reciprocal reshape rint round"
        " sign sin sinh sqrt square squeeze std sum tan tanh trunc var"
    ),
    "numpy.core.multiarray": "_reconstruct scalar",
    "numpy._core.multiarray": "_reconstruct scalar",
    "numpy.core.numeric": "_frombuffer",
    "numpy._core.numeric": "_frombuffer",
    "numpy.ma": "MaskedArray",
    "numpy.ma.core": "MaskedArray _mareconstruct",
    "numpy.random": "RandomState Generator SeedSequence MT19937 PCG64 PCG64DXSM Philox SFC64",
    "numpy.random.mtrand": "RandomState",
    "numpy.random._generator": "Generator",
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64 PCG64DXSM",
    "numpy.random._philox": "Philox",
    "numpy.random._sfc64": "SFC64",
    "numpy.random._pickle": "__bit_generator_ctor __generator_ctor __randomstate_ctor",
    "numpy.random.bit_generator": "SeedSequence",
    "scipy._lib.array_api_compat.numpy._aliases": "asarray",
    "scipy.interpolate": "BSpline PPoly interp1d",
    "scipy.interpolate._bsplines": "BSpline",
    "scipy.interpolate._interpolate": "PPoly interp1d",
    "scipy.optimize": "OptimizeResult",
    "scipy.optimize._optimize": "OptimizeResult",
    "scipy.special": "boxcox boxcox1p erf erfinv expit inv_boxcox inv_boxcox1p log1p logit",
    "scipy.special._ufuncs": "boxcox boxcox1p erf erfinv expit inv_boxcox inv_boxcox1p log1p logit",
    "scipy.special._special_ufuncs": "erf erfinv expit log1p logit",
    "sklearn.cluster._kmeans": "_kmeans_single_elkan _kmeans_single_lloyd",
    "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
    "sklearn.feature_selection._univariate_selection": "chi2 f_classif f_oneway f_regression r_regression",
    "sklearn.compose._column_transformer": "make_column_selector",
    "sklearn.utils._bunch": "Bunch",
    "sklearn.utils": "Bunch",
    "sklearn.utils._metadata_requests": "MetadataRequest MethodMetadataRequest MetadataRouter MethodMapping MethodPair"
    " RouterMappingPair RequestMethod",
    "sklearn.utils.validation": "check_array",
    # column lists; no DataFrame or Series: their eval, query and to_pickle do harm when called by name
    "pandas": "CategoricalDtype DatetimeIndex Index Int64Dtype MultiIndex RangeIndex StringDtype Timedelta Timestamp",
    "pandas.arrays": "ArrowStringArray DatetimeArray NumpyExtensionArray StringArray TimedeltaArray",
    "pandas._libs.arrays": "__pyx_unpickle_NDArrayBacked",
    "pandas.core.arrays.datetimes": "DatetimeArray",
    "pandas.core.arrays.string_": "StringArray StringDtype",
    "pandas.core.arrays.string_arrow": "ArrowStringArray",
    "pandas.core.dtypes.dtypes": "CategoricalDtype DatetimeTZDtype",
    "pandas.core.indexes.base": "Index _new_Index",
    "pandas.core.indexes.datetimes": "DatetimeIndex _new_DatetimeIndex",
    "pandas.core.indexes.multi": "MultiIndex",
    "pandas.core.indexes.range": "RangeIndex",
    "pyarrow.lib": "_restore_array py_buffer type_for_alias",
    # boosted trees: made empty, their state is a model's bytes; what those can do to a process, hosts bear
    "xgboost.core": "Booster",
    "xgboost.sklearn": "XGBClassifier XGBModel XGBRanker XGBRegressor XGBRFClassifier XGBRFRegressor",
    "lightgbm.basic": "Booster",
    "lightgbm.sklearn": "LGBMClassifier LGBMModel LGBMRanker LGBMRegressor",
    "catboost.core": "CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor",
}  # fmt: skip
# modules under the names that their classes once had: scikit-learn up to 1.7 built one that does not know its package
RENAMED = {"_loss": "sklearn._loss._loss"}
ALLOWED = frozenset((module, name) for module, names in NAMES.items() for name in names.split())

DISTRIBUTIONS = re.compile(r"scipy\.stats\._(continuous|discrete)_distns")
FROZEN = frozenset({"rv_continuous_frozen", "rv_discrete_frozen", "rv_frozen"})
SPARSE = re.compile(r"scipy\.sparse(\._?(csr|csc|coo|dia|bsr|lil|dok))?")
SPARSE_CLASS = re.compile(r"(csr|csc|coo|dia|bsr|lil|dok)_(matrix|array)")


def is_allowed(module: str, name: str) -> bool:
    """Whether the global may be loaded as what it is."""
    return (
        (module, name) in ALLOWED
        or is_sklearn(module, name)
        or bool(SPARSE.fullmatch(module) and SPARSE_CLASS.fullmatch(name))
        or (module == "numpy.random.bit_generator" and name == "__pyx_unpickle_SeedSequence")
        or (module == "numpy.dtypes" and bool(CLASS_NAME.fullmatch(name)))
    )


def today(module: str) -> str:
    """The module under the name that it has today."""
    return RENAMED.get(module, module)


def is_sklearn(module: str, name: str) -> bool:
    """Classes and measures of scikit-learn. Modules hold foreign names too: a loader checks where a thing is from."""
    parts = module.split(".")
    if parts[0] != "sklearn" or len(parts) < 2 or parts[1] not in PACKAGES or not all(map(str.isidentifier, parts)):
        return False
    return bool(
        CLASS_NAME.fullmatch(name)
        or CYTHON_UNPICKLE.fullmatch(name)
        or name == "newObj"
        or (MEASURE_MODULES.fullmatch(module) and MEASURES.fullmatch(name))
    )


def has_stand_in(module: str, name: str) -> bool:
    """Whether a harmless stand-in is loaded instead: a search keeps its distributions, prediction needs none."""
    if module == "scipy.stats._distn_infrastructure":
        return name in FROZEN
    return bool(DISTRIBUTIONS.fullmatch(module) and name.endswith("_gen")) or (module, name) == ("numpy", "vectorize")
