import pytest

from semtrace.core.scale.magnification import Sighting, learn, pixel_size


def seen(folder, magnification, constant=0.376, *, independent=True, maker="Zeiss", width=1024):
    return Sighting(maker, width, folder, magnification, constant / magnification / width, independent)


def test_five_images_with_a_second_length_teach_the_constant():
    constants = learn([seen("a", 1000 * n) for n in range(1, 6)])
    assert pixel_size(constants, "Zeiss", 1024, "b", 50_000) == pytest.approx(0.376 / 50_000 / 1024)
    assert not learn([seen("a", 1000 * n) for n in range(1, 5)])


def test_never_from_the_same_folder_alone():
    constants = learn([seen("a", 1000 * n) for n in range(1, 6)])
    assert pixel_size(constants, "Zeiss", 1024, "a", 50_000) is None
    constants = learn([seen("a", 1000 * n) for n in range(1, 6)] + [seen("b", 1000)])
    assert pixel_size(constants, "Zeiss", 1024, "a", 50_000) is not None


def test_another_width_or_maker_is_another_constant():
    constants = learn([seen("a", 1000 * n) for n in range(1, 6)])
    assert pixel_size(constants, "Zeiss", 2048, "b", 50_000) is None
    assert pixel_size(constants, "FEI", 1024, "b", 50_000) is None
    assert not learn([seen("a", 1000 * n, maker="") for n in range(1, 6)])


def test_instruments_that_differ_teach_nothing():
    assert not learn([seen("a", 1000 * n) for n in range(1, 6)] + [seen("b", 1000 * n, 0.15) for n in range(1, 6)])


def test_bars_teach_where_nothing_else_does_and_their_magnifications_differ():
    bars = [seen("ab"[n % 2], 1000 * n, independent=False) for n in range(1, 6)]
    [constant] = learn(bars).values()
    assert (constant.images, constant.independent) == (5, False)
    assert not learn([seen("ab"[n % 2], 1000, independent=False) for n in range(6)])


def test_a_wrong_bar_among_many_does_not_move_the_constant():
    bars = [seen("ab"[n % 2], 1000 * n, independent=False) for n in range(1, 10)]
    constants = learn([*bars, seen("a", 1000, 0.6, independent=False)])
    assert pixel_size(constants, "Zeiss", 1024, "a", 1000) == pytest.approx(0.376 / 1000 / 1024)


def test_other_lengths_come_before_bars():
    bars = [seen("b", 1000 * n, 0.5, independent=False) for n in range(1, 20)]
    [constant] = learn([*bars, *[seen("a", 1000 * n) for n in range(1, 6)]]).values()
    assert constant.metres == pytest.approx(0.376)
