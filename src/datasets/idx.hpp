#pragma once
// IDX files: the format of MNIST and Fashion-MNIST.

#include <filesystem>
#include <string>

#include "datasets/dataset.hpp"

namespace explaind {

/// One IDX file of unsigned bytes, plain or gzipped: u8 of its shape. Throws DataError naming the
/// file: not IDX, another element type, cut short, longer than its header says, damaged.
at::Tensor read_idx(const std::filesystem::path& path);

/// The four files of a folder, each also with .gz: train-images-idx3-ubyte,
/// train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte. The t10k files are the
/// validation samples. Of both the first `train` and `validation` are taken; 0: all. Throws
/// DataError: a file missing or broken, images and labels that differ in number, fewer samples than
/// asked for.
TrainingData read_idx_folder(const std::filesystem::path& folder, int64_t train,
                             int64_t validation);

}  // namespace explaind
