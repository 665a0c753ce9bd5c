#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/read_whole_run.hpp"
#include "fuzz/targets/place.hpp"
#include "fuzz/targets/targets.hpp"
#include "runs/recorded_run.hpp"
#include "unit/runs/small_run.hpp"

namespace explaind::testing {
namespace {

constexpr std::array<const char*, 5> files_of_a_run{
    "run.json", "complete.json", "start.safetensors", "blocks/00000000-00000001.safetensors",
    "blocks/00000004-00000004.safetensors"};

class SmallRun {
 public:
  SmallRun() {
    write_small_run(path());
    for (size_t i = 0; i < files_of_a_run.size(); ++i) {
      std::ifstream in(path() / files_of_a_run.at(i), std::ios::binary);
      whole_.at(i) = {std::istreambuf_iterator<char>(in), {}};
    }
  }
  [[nodiscard]] std::filesystem::path path() const { return folder_ / "run"; }
  /// The others are whole.
  void replace(size_t file, std::string_view bytes) {
    put(path() / files_of_a_run.at(replaced_), whole_.at(replaced_));
    replaced_ = file;
    put(path() / files_of_a_run.at(file), bytes);
  }

 private:
  TemporaryFolder folder_;
  std::array<std::string, files_of_a_run.size()> whole_;
  size_t replaced_ = 0;
};

}  // namespace

void fuzz_run(std::string_view bytes) {
  static SmallRun run;
  run.replace(take_choice(bytes) % files_of_a_run.size(), bytes);
  take_or_refuse([] { read_whole_run(RecordedRun::open(run.path())); });
}

}  // namespace explaind::testing
