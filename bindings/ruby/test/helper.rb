# frozen_string_literal: true

require 'minitest/autorun'
require 'json'
require 'net/http'
require 'rbconfig'
require 'socket'
require 'tmpdir'
require 'versioner'

KEY = 'sk_test_k1_secretsecret'
# The folder of the code under test, which may be an installed gem.
LIB = File.dirname($LOADED_FEATURES.find { |path| path.end_with?('/lib/versioner.rb') })
A_BUILD = { product: 'api', version: '1.2.3' }.freeze

# What the tests share: servers, and a client for them.
module Helper
  # A variable that `make test-ruby` sets.
  def required(name)
    ENV.fetch(name) { flunk "#{name} is not set: run the tests with `make test-ruby`" }
  end

  def client(url, **more)
    Versioner::Client.new(**{ api_key: KEY, api_url: url, environment: {} }.merge(more))
  end

  # A server that answers every request with a status and a body. What hears an event may give
  # another status.
  def answering(status = 200, body = '{"id": "evt-1"}', heard = ->(_) {}, headers: {})
    server = TCPServer.new('127.0.0.1', 0)
    thread = Thread.new do
      loop do
        Thread.new(server.accept) { |socket| answer(socket, status, body, heard, headers) }
      end
    end
    yield "http://127.0.0.1:#{server.addr[1]}"
  ensure
    thread&.kill
    server&.close
  end

  # A server that records every event, and gives the bodies.
  def receiving
    bodies = Queue.new
    answering(200, '{"id": "evt-1"}', ->(body) { bodies << JSON.parse(body) }) { |url| yield url, bodies }
  end

  # A server that records status and class of error of every event, and answers some with a code.
  def listening(answers = {})
    told = []
    heard = lambda do |body|
      event = JSON.parse(body)
      told << [event['status'], event.dig('extra_metadata', 'vi_error_class')].compact
      answers[event['status']]
    end
    answering(200, '{"id": "evt-1"}', heard) { |url| yield url, told }
  end

  # A server that takes requests, tells of each, and answers only those that hold a text.
  def silent(answered: nil)
    server = TCPServer.new('127.0.0.1', 0)
    arrivals = Queue.new
    sockets = []
    thread = quiet do
      loop do
        sockets << (socket = server.accept)
        body = receive(socket)
        next arrivals << true unless answered && body.include?(answered)

        socket.write("HTTP/1.1 200 X\r\nContent-Length: 11\r\n\r\n{\"id\": \"1\"}")
      end
    end
    yield "http://127.0.0.1:#{server.addr[1]}", arrivals
  ensure
    thread&.kill
    server&.close
  end

  # A thread whose exception is the test's own business.
  def quiet(&block)
    Thread.new(&block).tap { |thread| thread.report_on_exception = false }
  end

  private

  def answer(socket, status, body, heard, headers)
    more = headers.map { |name, value| "#{name}: #{value}\r\n" }.join
    while (event = receive(socket))
      other = heard.call(event)
      other = status unless other.is_a?(Integer)
      socket.write("HTTP/1.1 #{other} X\r\n#{more}Content-Length: #{body.bytesize}\r\n\r\n#{body}")
    end
  rescue SystemCallError, IOError
    nil
  end

  # @return [String, nil] the body of the next request
  def receive(socket)
    length = 0
    while (line = socket.gets)
      length = line.split.last.to_i if line.match?(/\Acontent-length/i)
      return socket.read(length).force_encoding(Encoding::UTF_8) if line == "\r\n"
    end
  end
end
