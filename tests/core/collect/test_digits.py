import numpy as np

from core.collect.digits import INK, PAPER, SIDE, draw_digit


def test_no_ink_is_paper_and_all_ink_is_ink():
    empty, full = draw_digit(np.zeros((8, 8))), draw_digit(np.full((8, 8), 16))

    assert empty.getcolors() == [(SIDE * SIDE, PAPER)]
    assert full.getpixel((SIDE // 2, SIDE // 2)) == INK


def test_the_border_is_paper_where_the_digit_does_not_reach():
    digit = np.zeros((8, 8))
    digit[2:6, 3:5] = 16

    picture = draw_digit(digit)

    assert picture.size == (SIDE, SIDE)
    assert {picture.getpixel((x, 0)) for x in range(SIDE)} == {PAPER}


def test_more_ink_never_looks_lighter():
    shades = [
        draw_digit(np.full((8, 8), level)).getpixel((SIDE // 2, SIDE // 2))[0]
        for level in range(17)
    ]

    assert shades == sorted(shades, reverse=True)
