"""Schemas of the tables that the stages of this house write, and of the one that a person writes."""

from __future__ import annotations

from semtrace.io.schema import Column, Table

_SET = Column("features", "text", "name of the feature set")
_SCORES = (
    Column("nmi", "number", "normalized mutual information with the geometric mean below the line, 0 to 1"),
    Column("nmi_arithmetic", "number", "the same with the arithmetic mean, as scikit-learn has it"),
    Column("ami", "number", "adjusted mutual information: 0 for chance, 1 for the same partition"),
    Column("ari", "number", "adjusted Rand index: 0 for chance, 1 for the same partition"),
    Column("homogeneity", "number", "1 where every cluster holds a single label"),
    Column("completeness", "number", "1 where every label is in a single cluster"),
    Column("v_measure", "number", "harmonic mean of homogeneity and completeness"),
    Column("purity", "number", "share of images whose label is the commonest of their cluster"),
    Column("largest_share", "number", "share of images in the largest cluster"),
    Column("singletons", "number", "clusters of one image"),
)
SCORES: tuple[str, ...] = tuple(column.name for column in _SCORES)

DISCOVERED_IMAGES = Table(
    "images.csv",
    1,
    (
        Column("path", "text", "the image"),
        Column("md5", "text", "of its bytes"),
        Column("group", "text", "its duplicate group, or a digest of its grey pixels"),
        Column("category", "text", "its category; empty where it has no label"),
        Column("width", "integer", "columns of the picture", "pixels"),
        Column("height", "integer", "rows of the picture", "pixels"),
        Column("picture_rows", "integer", "rows above the cut of the data bar", "pixels"),
        Column("crop", "text", "how the data bar was cut off: `bar` where it was found, `share` else, or `none`"),
    ),
)
DIMENSION = Table(
    "dimension.csv",
    1,
    (
        _SET,
        Column("sample_size", "integer", "points of the sample"),
        Column("repeat", "integer", "number of the sample of this size, from 0"),
        Column("fraction", "number", "share of the points, in the order of their ratios, that was fitted"),
        Column("estimator", "text", "`fit` or `ml` (2-NN by fit, by likelihood), or `gride` with its rank"),
        Column("id", "number", "the intrinsic dimension"),
        Column("error", "number", "its standard error"),
        Column("scale", "number", "distance of the neighbours that it was estimated from"),
        Column("points", "integer", "points that were fitted"),
        Column("merged", "integer", "points of the whole set that were merged with an equal or nearly equal point"),
    ),
)
PLATEAU = Table(
    "plateau.csv",
    1,
    (
        _SET,
        Column("fraction", "number", "as in `dimension.csv`"),
        Column("dimension", "number", "mean intrinsic dimension of the plateau; empty where there is none"),
        Column("smallest", "integer", "smallest sample size of the plateau"),
        Column("largest", "integer", "largest sample size of the plateau"),
        Column("scale", "number", "distance of the neighbours at the largest size"),
        Column("verdict", "text", "the plateau in words, or `none`"),
    ),
)
FIT = Table(
    "fits.csv",
    1,
    (
        _SET,
        Column("log_mu", "number", "logarithm of the ratio of the distances to the second and first neighbour"),
        Column("minus_log_rest", "number", "minus the logarithm of the share of points with a larger ratio"),
    ),
)
SCREE = Table(
    "scree.csv",
    1,
    (
        _SET,
        Column("component", "integer", "number of the principal component, from 1"),
        Column("variance", "number", "its variance"),
        Column("share", "number", "its share of the whole variance"),
        Column("cumulative", "number", "share of this and all components before it"),
        Column("elbow", "boolean", "`True` where the curve bends"),
    ),
)
GRID = Table(
    "grid.csv",
    1,
    (
        _SET,
        Column("method", "text", "`pca` or `autoencoder`"),
        Column("inputs", "integer", "columns of the feature set"),
        Column("hidden", "text", "units of the two hidden layers; `T` before those that share their weights"),
        Column("tied", "text", "which pairs of layers share their weights, innermost first"),
        Column("activation", "text", "of the hidden layers"),
        Column("size", "integer", "columns that are left"),
        Column("phases", "text", "phases of the training in their order"),
        Column("epochs", "text", "epochs of each phase"),
        Column("batch", "integer", "points a step"),
        Column("rate", "number", "learning rate"),
        Column("l2", "number", "weight of the squared weights"),
        Column("parameters", "integer", "numbers that were trained"),
        Column("error", "number", "mean squared error of the points trained on; 1 is no better than the mean"),
        Column("held_out_error", "number", "the same of the points that training did not see"),
        Column("points", "integer", "points that were trained on"),
        Column("held_out", "integer", "points that training did not see"),
        Column("best", "boolean", "`True` where the held-out error is the smallest of its method"),
    ),
)
_PART = "`training`, `validation` or `test`, the same for all members of a duplicate group"
SPLIT = Table(
    "split.csv",
    1,
    (
        Column("path", "text", "the image, one of each duplicate group"),
        Column("md5", "text", "of its bytes"),
        Column("category", "text", "its known category"),
        Column("tenth", "integer", "the tenth of the groups that it is in, 0 to 9"),
        Column("part", "text", _PART),
        Column("predicted", "text", "category that a head says which did not see its group; empty where none did"),
        Column("probability", "number", "of that category, 0 to 1"),
    ),
)
CURVE = Table(
    "curve.csv",
    1,
    (
        Column("epoch", "integer", "steps over the training part, from 1"),
        Column("training_loss", "number", "mean cross entropy of the training part", "nats"),
        Column("validation_loss", "number", "the same of the validation part; the smallest ends the training", "nats"),
        Column("training_accuracy", "number", "share of right answers in the training part"),
        Column("validation_accuracy", "number", "the same in the validation part"),
    ),
)
CONFUSION = Table(
    "confusion.csv",
    1,
    (
        Column("of", "text", "`test`: the test part; `tenths`: every tenth, by a head that did not see it"),
        Column("category", "text", "known"),
        Column("predicted", "text", "category that was said"),
        Column("images", "integer", "images, one of each duplicate group"),
    ),
)
PER_CLASS = Table(
    "per_class.csv",
    1,
    (
        Column("of", "text", "as in `confusion.csv`"),
        Column("category", "text", "known"),
        Column("images", "integer", "images of the category"),
        Column("right", "integer", "of these, images whose category was said"),
        Column("recall", "number", "share of its images that were found"),
        Column("recall_low", "number", "lower bound of its 95 % Wilson interval"),
        Column("recall_high", "number", "upper bound"),
        Column("said", "integer", "images of which the category was said"),
        Column("precision", "number", "share of these that are right"),
        Column("precision_low", "number", "lower bound of its 95 % Wilson interval"),
        Column("precision_high", "number", "upper bound"),
    ),
)
PREDICTIONS = Table(
    "predictions.csv",
    1,
    (
        Column("path", "text", "the image"),
        Column("md5", "text", "of its bytes"),
        Column("category", "text", "its known category; empty where it has no label"),
        Column("predicted", "text", "the most likely category"),
        Column("probability", "number", "of that category, 0 to 1"),
        Column("second", "text", "the next one"),
        Column("second_probability", "number", "of that, 0 to 1"),
        Column("seen", "boolean", "`True` where training or its end saw the image's group: its score says little"),
    ),
)
SAMPLE = Table(
    "sample.csv",
    1,
    (
        Column("path", "text", "the image"),
        Column("category", "text", "its category; empty where no image has one"),
    ),
)
DISTANCES = Table(
    "distances.csv",
    1,
    (
        _SET,
        Column("reduced", "boolean", "`True` for a set of the stage `reduce`"),
        Column("columns", "integer", "columns of the set"),
        Column("sample", "integer", "images that were compared"),
        Column("pearson", "number", "correlation of the distances with the label distance"),
        Column("spearman", "number", "the same of their ranks"),
        Column("silhouette", "number", "mean silhouette of the categories, -1 to 1"),
        Column("overlap_1", "number", "share of images whose nearest neighbour has their category"),
        Column("overlap_k", "number", "share of the `k` nearest neighbours that have the same category"),
        Column("k", "integer", "neighbours of `overlap_k`"),
        Column("note", "text", "why there are no numbers"),
    ),
)
IMBALANCE = Table(
    "imbalance.csv",
    1,
    (
        Column("knows", "text", "the feature set whose nearest neighbours are taken"),
        Column("known", "text", "the feature set in which their ranks are counted"),
        Column(
            "imbalance", "number", "information imbalance, 0 to about 1; near 0 the first knows the other's neighbours"
        ),
        Column("points", "integer", "images that both have"),
    ),
)
HEATMAPS = Table(
    "heatmaps.csv",
    1,
    (
        Column("left", "integer", "the one image of the pair, by its line in `sample.csv`, from 0"),
        Column("right", "integer", "the other one; `left` is smaller"),
        Column("label", "integer", "0 for two images of one category, 1 else; empty where no image has one"),
    ),
)
POINTS = Table(
    "points.csv",
    1,
    (
        _SET,
        Column("point", "integer", "its number, from 0"),
        Column("md5", "text", "of the representative's bytes"),
        Column("path", "text", "the representative of the duplicate group"),
        Column("images", "integer", "images of the group"),
    ),
)
MERGES = Table(
    "merges.csv",
    1,
    (
        _SET,
        Column("method", "text", "the linkage"),
        Column("step", "integer", "number of the merge, from 0"),
        Column("left", "integer", "a point, or the number of points plus an earlier step"),
        Column("right", "integer", "the other, likewise"),
        Column("height", "number", "distance at which they merge"),
        Column("size", "integer", "points of the merged cluster"),
    ),
)
DENSITY = Table(
    "density.csv",
    1,
    (
        _SET,
        Column("point", "integer", "as in `points.csv`"),
        Column("path", "text", "as in `points.csv`"),
        Column("log_density", "number", "logarithm of the density"),
        Column("error", "number", "its standard error"),
        Column("delta", "number", "distance to the nearest denser point"),
        Column("parent", "integer", "that point; or the point that stands for this one; empty for the densest"),
        Column("rank", "integer", "place in the order of densities, from 0; empty where another point stands for it"),
        Column("centre", "integer", "place in the order of centres: the first k are those of k clusters"),
    ),
)
AGREEMENT = Table(
    "agreement.csv",
    1,
    (
        _SET,
        Column("method", "text", "of clustering"),
        Column("k", "integer", "number of clusters; 0: the method chose it"),
        Column("against", "text", "`category`, or `kind`: the kinds below the categories"),
        Column("images", "integer", "labelled images, one of each duplicate group"),
        *_SCORES,
        Column("note", "text", "what makes the scores void"),
    ),
)
REFERENCE = Table(
    "reference.csv",
    1,
    (
        Column("against", "text", "as in `agreement.csv`"),
        Column(
            "reference",
            "text",
            "`halved`: the labels refined; `uniform`: chance, a mean of draws; `orthogonal`: all labels cut alike",
        ),
        Column("k", "integer", "number of clusters"),
        Column("images", "integer", "as in `agreement.csv`"),
        *_SCORES,
    ),
)
SQUARE = Table(
    "square_by_k.csv",
    1,
    (
        Column("k", "integer", "clusters of 100 elements"),
        Column("c_k", "number", "NMI of the elements' numbers modulo k with those modulo 10"),
        Column("halved", "number", "the same of the ten classes refined by halving"),
        Column("chance", "number", "the same of partitions that know nothing, mean of 10"),
    ),
)
SQUARE_PARTITIONS = Table(
    "square.csv",
    1,
    (
        Column("element", "integer", "0 to 99, line by line in the square of 10 x 10"),
        Column("c_10", "integer", "its cluster in the partition A: its number modulo 10"),
        Column("c_5", "integer", "its cluster in the partition B: its number modulo 5"),
        Column("c_20", "integer", "its cluster in the partition C: its number modulo 20"),
        Column("c_7", "integer", "its cluster in the partition D: its number modulo 7"),
    ),
)
TREE = Table(
    "tree.csv",
    1,
    (
        Column("node", "text", "its id: a digest of its members' md5"),
        Column("parent", "text", "the node above; empty for the root"),
        Column("depth", "integer", "nodes above it"),
        Column("size", "integer", "different images in it"),
        Column("images", "integer", "images in it, copies included"),
        Column("height", "number", "distance at which its parts merge"),
        Column("category", "text", "the commonest category in it"),
        Column("purity", "number", "share of that category among its labelled images"),
        Column("stability", "number", "mean Jaccard index with the most similar cluster in trees of subsamples"),
        Column("confounder", "text", "attribute of the recording that the node agrees with most"),
        Column("confounder_ami", "number", "adjusted mutual information with it"),
        Column("confounder_value", "text", "its commonest value in the node"),
        Column("is_confounded", "boolean", "`True` for an instrument and not a shape"),
        Column("medoid", "text", "the image nearest to the middle"),
        Column("name", "text", "that a person gave"),
        Column("decision", "text", "of a person, as in `names.csv`"),
    ),
)
PROPOSED_SUBCATEGORIES = Table(
    "subcategories.csv",
    1,
    (
        Column("md5", "text", "of its bytes"),
        Column("path", "text", "the image"),
        Column("category", "text", "its known category; empty where it has no label"),
        Column("subcategory", "text", "the proposed or given name; empty where it was refused"),
        Column("cluster", "text", "the leaf of `tree.csv`"),
        Column("stability", "number", "of the leaf"),
        Column("distance", "number", "to the medoid of the leaf"),
        Column("source", "text", "`proposed`, `named` with its likeness where that is below 1, or `refused`"),
    ),
)
ASSIGNED = Table(
    "assigned.csv",
    1,
    (
        Column("path", "text", "the new image, relative to its folder"),
        Column("md5", "text", "of its bytes"),
        Column("subcategory", "text", "of the leaf, as in `subcategories.csv`; empty for `new` and `refused`"),
        Column("category", "text", "the commonest category of the leaf; empty for `new`"),
        Column("cluster", "text", "the leaf of `tree.csv` whose medoid is nearest"),
        Column("distance", "number", "to that medoid"),
        Column("limit", "number", "distance up to which an image belongs to the leaf"),
        Column("source", "text", "`assigned`; `new` beyond the limit; `refused` where a person refused the leaf"),
    ),
)
SUSPECTS = Table(
    "suspects.csv",
    1,
    (
        Column("path", "text", "the image, a likely label error"),
        Column("category", "text", "its category"),
        Column("cluster", "text", "the leaf that it is in"),
        Column("cluster_category", "text", "the category of nearly all others there"),
        Column("purity", "number", "of the leaf"),
        Column("distance", "number", "to the medoid of the leaf"),
    ),
)
OUTLIERS = Table(
    "outliers.csv",
    1,
    (
        Column("path", "text", "the image"),
        Column("category", "text", "its category"),
        Column("cluster", "text", "the leaf that it is in"),
        Column("distance", "number", "to the medoid of the leaf"),
        Column("times_median", "number", "the same in units of the leaf's median distance"),
    ),
)
UNUSED = Table(
    "unused_names.csv",
    1,
    (
        Column("node", "text", "as in `names.csv`"),
        Column("name", "text", "as in `names.csv`"),
        Column("decision", "text", "as in `names.csv`"),
        Column("likeness", "number", "Jaccard index of the most similar node of this run"),
    ),
)
MEMBERS = Table(
    "members.csv",
    1,
    (
        Column("node", "text", "as in `tree.csv`"),
        Column("md5", "text", "of an image in it"),
    ),
)
NAMES = Table(
    "names.csv",
    1,
    (
        Column("node", "text", "id of the node in `tree.csv`"),
        Column("name", "text", "of the sub-category; empty for a split or a refusal"),
        Column("decision", "text", "`rename`, `merge`, `split` or `refuse`"),
        Column("who", "text", "decided"),
        Column("when", "text", "it was decided"),
    ),
)
