// The certificate and key of a server. Includes Asio: for the .cpp files of the server alone.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/result.h"

namespace sputnik::server {

// TLS 1.2 and 1.3. certificate: a PEM file, the server's own first, then its chain. kIo or
// kInvalidArgument: the message begins with the file's name.
Result<std::unique_ptr<boost::asio::ssl::context>> make_tls_context(const std::string& certificate,
                                                                    const std::string& key);

}  // namespace sputnik::server
