#pragma once
// Prediction samples and their tokenizer: explaind::load_samples, Sample, Groups.

#include "samples/sample.hpp"
