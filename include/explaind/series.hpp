#pragma once
// Series of Hugging Face checkpoints: explaind::CheckpointSeries, list_series, TensorView.

#include "checkpoint/convert.hpp"
#include "checkpoint/series.hpp"
