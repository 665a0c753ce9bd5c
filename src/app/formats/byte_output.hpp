#pragma once
// Where bytes go: a file that appears complete or not at all, or standard output.

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "checkpoint/new_file.hpp"

namespace explaind {

class ByteOutput {
 public:
  /// None: standard output, whose failure the program's end tells (core/standard_output.hpp).
  explicit ByteOutput(const std::optional<std::filesystem::path>& file) {
    if (file) file_ = std::make_unique<NewFile>(*file);
  }
  void write(std::string_view bytes);
  void publish() {
    if (file_) file_->publish();
  }

 private:
  std::unique_ptr<NewFile> file_;
};

}  // namespace explaind
