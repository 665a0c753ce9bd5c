#include "training/corpus.hpp"

#include <algorithm>
#include <fstream>
#include <string>

#include "core/error.hpp"
#include "core/file_kind.hpp"

namespace explaind {
namespace {

/// True where the bytes are well-formed UTF-8 (a KOI8-R or Latin-1 file would train without
/// complaint and be garbage).
bool is_utf8(const std::string& text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    size_t length = 1;
    if (lead >= 0xF0 && lead < 0xF5) {
      length = 4;
    } else if (lead >= 0xE0 && lead < 0xF0) {
      length = 3;
    } else if (lead >= 0xC2 && lead < 0xE0) {
      length = 2;
    } else if (lead >= 0x80) {
      return false;
    }
    if (i + length > text.size()) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

}  // namespace

std::vector<std::filesystem::path> text_files(const std::vector<std::filesystem::path>& paths) {
  namespace fs = std::filesystem;
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    if (fs::is_directory(path)) {
      std::vector<fs::path> inside;
      for (const auto& entry : fs::directory_iterator(path)) {
        if (entry.path().extension() == ".txt") inside.push_back(entry.path());
      }
      std::sort(inside.begin(), inside.end());
      files.insert(files.end(), inside.begin(), inside.end());
    } else if (fs::exists(path)) {
      files.push_back(path);
    } else {
      throw DataError(path.string(), "no such text file or directory", "Check --text");
    }
  }
  if (files.empty()) {
    throw DataError("--text", "no text files found", "Name files, or a directory with *.txt files");
  }
  for (const fs::path& file : files) {
    if (fs::file_size(file) == 0) throw DataError(file.string(), "is empty", "Leave it out");
  }
  return files;
}

std::vector<int64_t> token_stream(const std::vector<std::filesystem::path>& files,
                                  const Tokenizer& tokenizer) {
  std::vector<int64_t> tokens;
  for (const auto& path : files) {
    std::ifstream in(path);
    if (!in) throw DataError(path.string(), "cannot be read", "Check its permissions");
    int64_t number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      if (line.empty()) continue;
      if (const auto wide = wide_text(number == 1 ? line : "", path.string())) {
        throw DataError(path.string(), "is " + wide->what, wide->remedy);
      }
      if (!is_utf8(line)) {
        throw DataError(path.string() + ":" + std::to_string(number), "not UTF-8",
                        "Convert the file first, e.g. with iconv -t UTF-8");
      }
      tokens.insert(tokens.end(), tokenizer.before().begin(), tokenizer.before().end());
      for (const auto& piece : tokenizer.encode(line)) tokens.push_back(piece.id);
    }
    if (in.bad()) throw DataError(path.string(), "reading failed", "Check the file system");
  }
  return tokens;
}

}  // namespace explaind
