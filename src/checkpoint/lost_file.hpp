#pragma once
// What is said where a mapped file is lost while it is read.

namespace explaind {

/// A file that is cut short after it was mapped, or whose disk fails, ends whoever reads the lost
/// pages by SIGBUS. From now on such an end is a message with the file's name, and exit code 1;
/// SIGBUS of any other cause goes to the handler that was there before. To be called after
/// MPI_Init, which installs one.
void name_lost_files();

}  // namespace explaind
