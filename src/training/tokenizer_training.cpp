#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "training/corpus.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace explaind {
namespace {

std::string last_lines(const std::filesystem::path& log, size_t count) {
  std::ifstream in(log);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::string text;
  for (size_t i = lines.size() - std::min(count, lines.size()); i < lines.size(); ++i) {
    text += "\n  " + lines[i];
  }
  return text;
}

/// Runs a program in `folder` with both outputs in a file; its exit status, or −1 where it could
/// not be started.
int run_program(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                const std::filesystem::path& log) {
  std::vector<char*> raw;
  for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  pid_t child = 0;
  const int failed = posix_spawnp(&child, raw[0], &actions, nullptr, raw.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return -1;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

void train_tokenizer(const std::vector<std::filesystem::path>& files,
                     const std::filesystem::path& model, const TokenizerTraining& options,
                     const StopFlag& stop) {
  // SentencePiece writes the names it was given into the model: links in the model's own folder
  // keep the bytes the same wherever text and series lie.
  namespace fs = std::filesystem;
  const fs::path folder = model.parent_path();
  std::string inputs;
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string name = std::to_string(i) + ".txt";
    fs::remove(folder / name);
    fs::create_symlink(fs::absolute(files[i]), folder / name);
    inputs += (inputs.empty() ? "" : ",") + name;
  }
  fs::path log = model;
  log.replace_extension(".log");
  // 0.98 is the least coverage SentencePiece takes: rarer characters become bytes, which leaves
  // most of a small vocabulary to words.
  const int status =
      run_program({"spm_train", "--input=" + inputs, "--model_prefix=" + model.stem().string(),
                   "--model_type=bpe", "--vocab_size=" + std::to_string(options.vocabulary),
                   "--byte_fallback=true", "--character_coverage=0.98", "--unk_id=0", "--bos_id=1",
                   "--eos_id=2", "--pad_id=-1", "--max_sentence_length=65536",
                   "--num_threads=" + std::to_string(options.threads),
                   "--random_seed=" + std::to_string(options.seed % 4294967295U)},
                  folder, log);
  if (status == -1 || status == 127) {
    throw DataError("spm_train", "the program could not be started",
                    "Install it: apt-get install sentencepiece (launch/setup.sh does)");
  }
  if (status != 0) {
    stop.require_down();  // Ctrl-C ends the program that was called too
    throw DataError("spm_train",
                    "training the tokenizer failed; its last lines:" + last_lines(log, 20));
  }
}

}  // namespace explaind
