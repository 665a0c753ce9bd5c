#include "core/file_kind.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"

namespace explaind {
namespace {

/// The first letters of a text in lower case, leading blanks and a byte order mark left out.
std::string beginning(std::string_view content) {
  constexpr size_t enough = 400;
  if (content.starts_with("\xef\xbb\xbf")) content.remove_prefix(3);
  const size_t first = content.find_first_not_of(" \t\r\n");
  std::string text(content.substr(std::min(first, content.size())).substr(0, enough));
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return text;
}

/// A text in 16-bit characters, by its byte order mark. No text holds the character 0; a
/// safetensors file whose header's length begins with the same two bytes has zeros in it.
bool is_utf16(std::string_view content) {
  if (!content.starts_with("\xff\xfe") && !content.starts_with("\xfe\xff")) return false;
  constexpr size_t looked_at = 64;
  for (size_t i = 2; i + 1 < std::min(looked_at, content.size()); i += 2) {
    if (content[i] == 0 && content[i + 1] == 0) return false;
  }
  return true;
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string folder_name(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

/// A mark at a fixed place, and what begins so.
struct Mark {
  size_t offset;
  std::string_view bytes;
  const char* what;
  const char* remedy;
};

constexpr const char* decompress = "Decompress it first";
constexpr const char* original =
    "Take the checkpoint that it was made of, as transformers' save_pretrained writes it";

constexpr std::array<Mark, 12> marks{
    {{0, "GGUF", "a GGUF file (llama.cpp), whose weights are mostly rounded to few bits", original},
     {0, "\x89HDF\r\n\x1a\n", "an HDF5 file, as TensorFlow and Keras write weights", original},
     {0, "\x1f\x8b", "a gzip archive", decompress},
     {0, "\x28\xb5\x2f\xfd", "a Zstandard archive", decompress},
     {0,
      std::string_view("\xfd"
                       "7zXZ\0",
                       6),
      "an xz archive", decompress},
     {0, "BZh", "a bzip2 archive", decompress},
     {0, "7z\xbc\xaf\x27\x1c", "a 7z archive", decompress},
     {0, "PAR1", "a Parquet table", "Name the model's file, or write JSON Lines of the samples"},
     {0, "\x93NUMPY", "a NumPy array", original},
     {257, "ustar", "a tar archive",
      "Unpack it first (a single model file of PyTorch before 0.1.10 is one too: load it there and "
      "save it again)"},
     {0,
      "\x7f"
      "ELF",
      "a program", "Name the model's file"},
     {0, "%PDF", "a PDF document", "Name the model's file"}}};

}  // namespace

std::string shell_word(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("/._-+=:,@%").find(static_cast<char>(c)) != std::string_view::npos ||
           c >= 0x80;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::optional<Instead> wide_text(std::string_view content, const std::string& name) {
  if (!is_utf16(content)) return std::nullopt;
  const std::string file = shell_word(name), other = shell_word(name + ".utf8");
  return Instead{"a text in UTF-16, as PowerShell's > writes it, and not in UTF-8",
                 "Convert it: `iconv -f UTF-16 -t UTF-8 " + file + " > " + other + " && mv " +
                     other + " " + file + "`"};
}

std::optional<Instead> foreign_content(std::string_view content, const std::string& name) {
  if (std::optional<Instead> wide = wide_text(content, name)) return wide;
  const std::string text = beginning(content);
  if (text.starts_with("version https://git-lfs") || text.starts_with("version https://hawser")) {
    return Instead{"a Git LFS pointer: the file itself was not fetched",
                   "Fetch it: `git -C " + shell_word(folder_name(name)) + " lfs pull --include " +
                       shell_word(file_name(name)) + "` (or download it again)"};
  }
  const auto begins = [&](std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](const char* word) { return text.starts_with(word); });
  };
  if (begins({"<!doctype html", "<html", "<head"}) ||
      (text.starts_with("<!--") && text.find("<html") != std::string::npos)) {
    return Instead{
        "a web page (HTML), not the file: the server asked for a login, or the address "
        "was that of a page about it",
        "Download it again, from the address of the file itself and logged in"};
  }
  if (begins({"<?xml", "<error"})) {
    return Instead{"an answer in XML, as a server gives instead of a file", "Download it again"};
  }
  if (begins({"{\"error\"", "{ \"error\""})) {
    return Instead{"an error that a server answered (JSON): " +
                       std::string(content.substr(0, std::min<size_t>(content.size(), 100))),
                   "Download it again"};
  }
  if (begins({"entry not found", "invalid username or password", "repository not found",
              "access to model", "invalid rev id", "404: not found", "404 not found",
              "not found"})) {
    return Instead{"the answer of a server: \"" +
                       std::string(content.substr(0, std::min<size_t>(content.size(), 60))) + "\"",
                   "Download it again"};
  }
  for (const Mark& mark : marks) {
    if (content.size() > mark.offset && content.substr(mark.offset).starts_with(mark.bytes)) {
      return Instead{mark.what, mark.remedy};
    }
  }
  constexpr size_t looked_at = 4096;
  const std::string_view head = content.substr(0, looked_at);
  if (head.size() >= 16 && head.find_first_not_of('\0') == std::string_view::npos) {
    return Instead{"zero bytes only, as an interrupted download or copy leaves them",
                   "Download or copy it again"};
  }
  return std::nullopt;
}

void refuse_foreign_content(std::string_view content, const std::string& name) {
  if (const std::optional<Instead> instead = foreign_content(content, name)) {
    throw DataError(name, "is " + instead->what, instead->remedy);
  }
}

}  // namespace explaind
