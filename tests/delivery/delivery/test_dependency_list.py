"""What a user would lose: a container that lacks a library, has the wrong one, or leaks a token."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

from tg.common._core.errors import DependencyError
from tg.common.delivery.delivery.dependency_list import DependencyList


@pytest.mark.parametrize(
    "dependencies",
    [
        ["pandas==2.2.3", "six"],
        [["pandas", "2.2.3"], ["six", None]],
        (("pandas", "==2.2.3"), "six"),
        {"pandas": "2.2.3", "six": "*"},
        [["pandas", " 2.2.3 "], ["six", ""]],
        [["pandas", "2.2.3"], ["six", " "]],
    ],
)
def test_every_shape_that_users_have_means_the_same(dependencies, tmp_path):
    made = DependencyList("training", dependencies)
    assert made.requirements == ("pandas==2.2.3", "six")
    path = tmp_path / "dependencies.json"
    path.write_text(json.dumps(dependencies))
    assert DependencyList.from_file("training", path) == made


def test_a_requirements_file_is_read_without_comments_and_hashes(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text(
        "# what we need\n\npandas==2.2.3 \\\n    --hash=sha256:abc\nsix  # small\n"
        "numpy ; python_version > '3'\n"
    )
    made = DependencyList.from_file("training", path)
    assert made.requirements == ('numpy; python_version > "3"', "pandas==2.2.3", "six")


def test_an_unreadable_file_is_a_typed_error(tmp_path):
    (tmp_path / "broken.json").write_text("[")
    for name in ("broken.json", "absent.json"):
        with pytest.raises(DependencyError, match=name):
            DependencyList.from_file("training", tmp_path / name)


def test_the_list_can_be_changed_and_is_checked_again():
    made = DependencyList("training", ["six"])
    made.dependencies.append("pandas>=2")
    assert made.requirements == ("pandas>=2", "six")
    made.dependencies.append("pandas >")
    with pytest.raises(DependencyError, match="'pandas >'"):
        _ = made.requirements


@pytest.mark.parametrize(
    ("dependencies", "fix"),
    [
        ("pandas", r"\['pandas==2.2.3', ...\]"),
        (["pandas=2.1"], "Write '=='"),
        (["pandas^2.1"], ">=2.1,<3"),
        (["pandas", "2.1"], "version without a name"),
        (["-e ."], "travels by itself"),
        (["-r other.txt"], "Options of pip"),
        (["./local"], "travels by itself"),
        (["https://example.org/a.whl"], "name @ URL"),
        ([["pandas", 2.1]], "quotes"),
        ([["pandas", "newest"]], "no version"),
        ([["pandas"]], "nor a pair"),
        ([3], "nor a pair"),
        (7, "no list"),
    ],
)
def test_a_wrong_entry_names_the_list_the_entry_and_the_fix(dependencies, fix):
    with pytest.raises(DependencyError, match=fix) as caught:
        DependencyList("training", dependencies)
    assert "'training'" in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args


@pytest.mark.parametrize(
    "entry",
    [
        "mine @ https://me:s3cret@example.org/mine.whl",
        "mine @ git+https://s3cret@example.org/mine.git",
        "mine @ https://example.org/mine.whl?X-Amz-Signature=s3cret",
        "mine @ https://example.org/mine.whl?access_token=s3cret&x=1",
        "git+https://s3cret@example.org/mine.git",
    ],
)
def test_credentials_neither_travel_nor_are_shown(entry):
    with pytest.raises(DependencyError) as caught:
        DependencyList("training", [entry])
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None or "s3cret" not in str(caught.value.__cause__)


def test_urls_without_credentials_are_fine():
    entries = ["mine @ git+ssh://git@example.org/mine.git@v1", "b @ https://example.org/b.whl"]
    assert DependencyList("a", entries).requirements == (
        "b @ https://example.org/b.whl",
        "mine @ git+ssh://git@example.org/mine.git@v1",
    )


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ("pandas==2.2.3", "Pandas == 2.2.3", "pandas==2.2.3"),
        ("pandas==1.0", "pandas==1.0.0", "pandas==1.0.0"),
        ("pandas>=2", "pandas==2.2.3", "pandas==2.2.3"),
        ("pandas>=2", "pandas<3", "pandas<3,>=2"),
        ("pandas", "pandas==2.2.3", "pandas==2.2.3"),
        ("pandas[b]", "pandas[a]>=2", "pandas[a,b]>=2"),
        ("torch==2.13.0", "torch==2.13.0+cpu", "torch==2.13.0+cpu"),
        ("a==2.*", "a==2.1", "a==2.1"),
        ("a>=1", "a==2.0rc1", "a==2.0rc1"),
        ("a @ https://example.org/a.whl", "a", "a @ https://example.org/a.whl"),
        ("scikit_learn", "Scikit.Learn", "scikit-learn"),
    ],
)
def test_what_agrees_is_joined_whatever_comes_first(one, other, joined):
    a, b = DependencyList("a", [one]), DependencyList("b", [other])
    assert DependencyList.merge([a, b]).requirements == (joined,)
    assert DependencyList.merge([b, a]).requirements == (joined,)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pandas==2.2.3", "pandas==2.2.2"),
        ("pandas==2.2.3", "pandas>=3"),
        ("torch==2.0+cpu", "torch==2.0+cu121"),
        ("a @ https://example.org/a.whl", "a @ https://example.org/b.whl"),
        ("a @ https://example.org/a.whl", "a==1"),
    ],
)
def test_what_excludes_each_other_names_both_lists(one, other):
    lists = [DependencyList("training", [one]), DependencyList("image", [other])]
    for order in (lists, lists[::-1]):
        with pytest.raises(DependencyError, match="exclude each other") as caught:
            DependencyList.merge(order)
        assert "'training'" in str(caught.value)
        assert "'image'" in str(caught.value)


def test_a_contradiction_in_one_list_is_found_at_once():
    with pytest.raises(DependencyError, match="'training' asks twice for 'pandas'"):
        DependencyList("training", ["pandas==1.0", "pandas==2.0"])


def test_three_lists_are_compared_each_with_each():
    lists = [DependencyList(n, [r]) for n, r in {"a": "x>=1", "b": "x==2", "c": "x<2"}.items()]
    with pytest.raises(DependencyError, match="'b' and 'c'"):
        DependencyList.merge(lists)


def test_different_platforms_may_ask_for_different_versions():
    entries = ["x==1; sys_platform == 'win32'", "x==2; sys_platform != 'win32'"]
    assert len(DependencyList("a", entries).requirements) == 2


versions = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}", fullmatch=True)
entries = st.builds(
    lambda name, operator, version: f"{name}{operator}{version}" if operator else name,
    st.sampled_from(["pandas", "Pandas", "scikit-learn", "Scikit_Learn", "six"]),
    st.sampled_from(["", "==", ">=", "<="]),
    versions,
)


@given(st.lists(entries, max_size=6), st.randoms())
def test_a_merge_is_canonical_and_contains_every_pin_or_is_refused(asked, random):
    shuffled = list(asked)
    random.shuffle(shuffled)
    try:
        merged = DependencyList("a", asked).requirements
    except DependencyError:
        with pytest.raises(DependencyError):
            DependencyList("a", shuffled)
        return
    assert DependencyList("a", shuffled).requirements == merged
    assert DependencyList("b", merged).requirements == merged
    joined = {Requirement(text).name: Requirement(text).specifier for text in merged}
    for text in asked:
        requirement = Requirement(text)
        for spec in requirement.specifier:
            if spec.operator == "==":
                name = requirement.name.lower().replace("_", "-")
                assert joined[name].contains(Version(spec.version), prereleases=True)


def test_a_text_in_place_of_a_list_of_dependencies_is_named() -> None:
    with pytest.raises(DependencyError, match="'humanize' is no list"):
        DependencyList.merge(["humanize"])  # type: ignore[list-item]
