#include "job/versions.hpp"

#include <H5public.h>
#include <fmt/format.h>
#include <mpi.h>
#include <torch/headeronly/version.h>

#include <boost/version.hpp>
#include <nlohmann/json.hpp>

#include "core/revision.hpp"

namespace explaind {

std::vector<std::pair<std::string, std::string>> versions() {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(mpi, &length);
  const std::string library(mpi, static_cast<size_t>(length));
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return {
      {"explaind", fmt::format("{} (revision {})", EXPLAIND_VERSION, revision())},
      {"LibTorch", TORCH_VERSION},
      {"MPI", library.substr(0, library.find_first_of(",\n"))},
      {"HDF5", fmt::format("{}.{}.{}", major, minor, release)},
      {"Boost", fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000,
                            BOOST_VERSION % 100)},
      {"nlohmann-json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR,
                                    NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
      {"fmt",
       fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"SentencePiece", EXPLAIND_SENTENCEPIECE_VERSION},
      {"compiler", __VERSION__},
  };
}

}  // namespace explaind
