"""The dial between two makes: each factor moves alone, and at its ends stand the makes themselves."""

from dataclasses import replace

import numpy as np
import pytest

from xraybench import sensors
from xraybench.core.errors import BadValue
from xraybench.core.sensor import Sensor
from xraybench.simulate import FACTORS, check_sensor, dial, display, label, make_phantom, noise_free, render

A, B = sensors.get("mail_160kv"), sensors.get("mail_140kv")
SCENE = make_phantom("thin_organic", A)


def counts(sensor: Sensor) -> np.ndarray:
    return render(SCENE, sensor, seed=5).raw.astype(float)


def test_at_zero_nothing_moves_and_at_one_all_of_the_other_make_is_there() -> None:
    assert dial(A, B) == A
    moved = dial(A, B, noise=1.0, spectrum=1.0, palette=1.0, geometry=1.0)
    assert replace(moved, name=B.name, summary=B.summary) == B
    assert dial(A, B, modality=1.0) == replace(B, name=A.name)


def test_a_palette_moves_no_count_and_noise_no_mean() -> None:
    assert np.array_equal(counts(dial(A, B, palette=0.7)), counts(A))
    shown = display(A, render(SCENE, A, seed=5).raw)
    assert np.abs(display(dial(A, B, palette=0.7), render(SCENE, A, seed=5).raw).astype(int) - shown).max() > 10
    assert np.array_equal(noise_free(SCENE, dial(A, B, noise=1.0))[0], noise_free(SCENE, A)[0])
    noisier = dial(A, B, noise=1.0)
    assert noisier.source == A.source
    assert noisier.detector.front == A.detector.front
    corner = np.s_[:20, :20, 0]
    assert counts(noisier)[corner].std() > 1.2 * counts(A)[corner].std()


def test_noise_moves_by_degrees() -> None:
    quanta = [dial(A, B, noise=t).detector.quanta[0] for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert quanta[0] == pytest.approx(2e5)
    assert quanta[2] == pytest.approx((2e5 * 6e4) ** 0.5)  # the geometric mean
    assert quanta[4] == pytest.approx(6e4)
    assert quanta == sorted(quanta, reverse=True)


def test_a_spectrum_moves_the_means_and_not_the_noise() -> None:
    moved = dial(A, B, spectrum=1.0)
    assert (moved.detector.quanta, moved.detector.blur_px) == (A.detector.quanta, A.detector.blur_px)
    assert moved.artefacts == A.artefacts
    assert moved.display == A.display
    assert np.array_equal(noise_free(SCENE, moved)[0], noise_free(SCENE, B)[0])


def test_geometry_moves_the_picture_and_its_labels() -> None:
    far = sensors.get("pallet_300kv")
    scene = replace(SCENE, objects=(replace(SCENE.objects[0], threat="powder_drugs"),))
    boxes = [label(scene, dial(A, far, geometry=t)).threats[0].box for t in (0.0, 0.5)]
    widths = [box[2] - box[0] for box in boxes]
    assert widths[1] == pytest.approx(widths[0] * (1.6 / 4.0) ** 0.5, abs=1.5)  # the pitch, half way by its ratio
    moved = dial(A, far, geometry=0.5)
    assert (moved.source, moved.detector, moved.artefacts, moved.display) == (
        A.source,
        A.detector,
        A.artefacts,
        A.display,
    )


@pytest.mark.parametrize("factor", FACTORS)
def test_a_factor_out_of_range_is_refused(factor: str) -> None:
    with pytest.raises(BadValue, match=f"{factor} is 1.5"):
        dial(A, B, **{factor: 1.5})


@pytest.mark.parametrize("name", sensors.names())
def test_a_dialled_sensor_is_one_that_a_specification_could_describe(name: str) -> None:
    for other in map(sensors.get, sensors.names()):
        if other.modality == sensors.get(name).modality:
            check_sensor(dial(sensors.get(name), other, noise=1.0))


def test_what_has_nothing_in_between_is_refused_half_way() -> None:
    with pytest.raises(BadValue, match=r"spectrum is 0\.5; it is 0 or 1"):
        dial(A, B, spectrum=0.5)
    with pytest.raises(BadValue, match="other views"):
        dial(A, sensors.get("conveyor_160kv"), geometry=0.5)
    with pytest.raises(BadValue, match="move the modality"):
        dial(A, sensors.get("baggage_ct"), noise=0.5)
