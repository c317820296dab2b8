// TCP with or without TLS behind one interface, so that the code of a connection is compiled once.
// Includes Asio: for the .cpp files of connections alone.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>

namespace sputnik::server {

// All calls and all callbacks on the socket's executor, a strand. Reading and writing may be under
// way at the same time, each once.
class Transport {
 public:
  using Done = std::function<void(boost::system::error_code, std::size_t)>;

  virtual ~Transport() = default;
  virtual void handshake(Done done) = 0;
  virtual void read_some(boost::asio::mutable_buffer into, Done done) = 0;
  virtual void write_some(boost::asio::const_buffer from, Done done) = 0;
  // No more will be written. Reading goes on.
  virtual void end_writing(Done done) = 0;
  virtual void close() = 0;  // everything under way ends with an error
};

std::unique_ptr<Transport> make_transport(boost::asio::ip::tcp::socket socket);
// tls outlives the transport.
std::unique_ptr<Transport> make_transport(boost::asio::ip::tcp::socket socket,
                                          boost::asio::ssl::context& tls);

}  // namespace sputnik::server
