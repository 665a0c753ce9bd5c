#pragma once
// Texts of an HDF5 file, in whatever form a program wrote them: of variable length, of fixed
// length, or as arrays of characters, in either character set.

#include <hdf5.h>

#include <string>
#include <vector>

namespace explaind::hdf5 {

/// True where entries are texts and the last axis is that of their characters.
bool holds_characters(hid_t dataset);

/// All texts of a dataset, row-major, without the axis of characters; padding is taken off.
std::vector<std::string> read_texts(hid_t dataset, const std::string& where);

/// An attribute as text: a text itself, or the numbers of one, separated by blanks; empty where
/// there is none, or one of another kind.
std::string read_attribute(hid_t object, const std::string& name, const std::string& where);

}  // namespace explaind::hdf5
