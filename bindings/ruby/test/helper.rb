# frozen_string_literal: true

require 'minitest/autorun'
require 'json'
require 'net/http'
require 'socket'
require 'tmpdir'
require 'versioner'

KEY = 'sk_test_k1_secretsecret'
A_BUILD = { product: 'api', version: '1.2.3' }.freeze

# What the tests share: servers, and a client for them.
module Helper
  # A variable that `make test-ruby` sets.
  def required(name)
    ENV.fetch(name) { flunk "#{name} is not set: run the tests with `make test-ruby`" }
  end

  def client(url, **more)
    Versioner::Client.new(api_key: KEY, api_url: url, environment: {}, **more)
  end

  # A server that answers every request with a status and a body.
  def answering(status = 200, body = '{"id": "evt-1"}')
    server = TCPServer.new('127.0.0.1', 0)
    thread = Thread.new do
      loop do
        Thread.new(server.accept) { |socket| answer(socket, status, body) }
      end
    end
    yield "http://127.0.0.1:#{server.addr[1]}"
  ensure
    thread&.kill
    server&.close
  end

  # A server that takes requests, tells of each, and never answers.
  def silent
    server = TCPServer.new('127.0.0.1', 0)
    arrivals = Queue.new
    sockets = []
    thread = Thread.new do
      loop do
        sockets << (socket = server.accept)
        arrivals << socket.readpartial(16)
      end
    end
    yield "http://127.0.0.1:#{server.addr[1]}", arrivals
  ensure
    thread&.kill
    server&.close
  end

  private

  def answer(socket, status, body)
    while (line = socket.gets)
      length = line[/\Acontent-length: (\d+)/i, 1].to_i if line.match?(/\Acontent-length/i)
      next unless line == "\r\n"

      socket.read(length)
      socket.write("HTTP/1.1 #{status} X\r\nContent-Length: #{body.bytesize}\r\n\r\n#{body}")
    end
  rescue SystemCallError, IOError
    nil
  end
end
