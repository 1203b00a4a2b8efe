# frozen_string_literal: true

# A versioner-server with an empty database.
class Service
  attr_reader :url, :key

  APPROVAL = {
    name: 'Approval', type: 'release_approval', environments: ['production'],
    config: { required_approvals: 1, keys: true, exclude_deployer: false }, create: true
  }.freeze

  # Runs one during the block.
  def self.run(program)
    Dir.mktmpdir do |folder|
      service = new(program, folder)
      begin
        yield service
      ensure
        service.stop
      end
    end
  end

  def initialize(program, folder)
    @command = [program, '--data', folder, '--listen', '127.0.0.1:0']
    start
  end

  # Starts it, once more if it was killed, then at another address.
  def start
    @output = IO.popen(@command, err: File::NULL)
    until (line = @output.gets).start_with?('Listening on ')
      @key = line.split.last if line.include?(' sk_')
    end
    @url = line.split.last
  end

  def stop
    Process.kill('TERM', @output.pid)
    @output.close
  end

  def kill
    Process.kill('KILL', @output.pid)
    @output.close
  end

  # An address from which requests go to the service wherever it is. answered is called with the number
  # and the body of each request once the service has answered it; if it gives false, the caller never
  # hears the answer.
  def way(answered)
    server = TCPServer.new('127.0.0.1', 0)
    numbers = Queue.new
    thread = Thread.new do
      loop { Thread.new(server.accept) { |socket| pass(socket, numbers, answered) } }
    end
    yield "http://127.0.0.1:#{server.addr[1]}"
  ensure
    thread&.kill
    server&.close
  end

  # @return [Array<String>] version and status of each, the newest first
  def deployments
    get('/deployments/?product=api')['items'].map { |each| "#{each['version']} #{each['status']}" }
  end

  def get(path)
    call(Net::HTTP::Get.new(uri(path)))
  end

  def post(path, body)
    request = Net::HTTP::Post.new(uri(path))
    request.body = JSON.generate(body)
    call(request)
  end

  private

  # One request and its answer.
  def pass(socket, numbers, answered)
    head = []
    head << socket.gets until head.last == "\r\n"
    body = socket.read(head.join[/^content-length: (\d+)/i, 1].to_i)
    answer = TCPSocket.open(URI(@url).host, URI(@url).port) do |service|
      service.write(head.join.sub("\r\n", "\r\nConnection: close\r\n"), body)
      service.read
    end
    numbers << true
    # Left open: whoever asked has to leave by themselves.
    return unless answered.call(numbers.size, body)

    socket.write(answer)
    socket.close
  rescue SystemCallError, IOError
    socket.close
  end

  def uri(path)
    URI(@url + path)
  end

  def call(request)
    request['Authorization'] = "Bearer #{@key}"
    request['Content-Type'] = 'application/json'
    answer = Net::HTTP.start(request.uri.host, request.uri.port) { |http| http.request(request) }
    JSON.parse(answer.body)
  end
end
