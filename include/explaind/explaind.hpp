#pragma once
// The whole public interface. It shows no type of LibTorch, HDF5 or MPI, and stays as it is while
// its namespace is v1.

#include "explaind/decompose.hpp"
#include "explaind/error.hpp"
#include "explaind/question.hpp"
#include "explaind/ranks.hpp"
#include "explaind/store.hpp"
#include "explaind/subject.hpp"
