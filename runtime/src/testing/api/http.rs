//! As much of HTTP/1.1 as tests need, and every way of getting it wrong.

use std::io::{Error, ErrorKind, Result, Write};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::fault::What;
use super::{ApiRequest, Reply, Shared};

const HEAD: usize = 64 << 10;

pub(super) async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        // a connection that breaks is the client's business
        tokio::spawn(async move { drop(talk(stream, &shared).await) });
    }
}

/// Answers one request after the other.
async fn talk(mut stream: TcpStream, shared: &Shared) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await? {
        shared.begins();
        let goes_on = answer(&mut stream, shared, &request).await;
        shared.ends();
        if !goes_on? {
            break;
        }
    }
    Ok(())
}

async fn answer(stream: &mut TcpStream, shared: &Shared, request: &ApiRequest) -> Result<bool> {
    if !shared.api.latency.is_zero() {
        tokio::time::sleep(shared.api.latency).await;
    }
    let (mut reply, fault) = shared.reply(request);
    let what = fault.map(|fault| fault.what);
    match what {
        Some(What::Hangup) => return Ok(false),
        Some(What::Silence(time)) => tokio::time::sleep(time).await,
        Some(What::Truncated) => reply.body.truncate(reply.body.len() / 2),
        _ => {}
    }
    if let Some(encoding) = shared.api.compression {
        reply = compressed(reply, encoding)?;
    }
    stream.write_all(head(&reply).as_bytes()).await?;
    match what {
        Some(What::Reset) => {
            stream.write_all(reply.body.get(..reply.body.len() / 2).unwrap_or_default()).await?;
            stream.flush().await?;
            return Ok(false);
        }
        Some(What::Drip(bytes, pause)) => {
            for piece in reply.body.chunks(bytes) {
                stream.write_all(piece).await?;
                stream.flush().await?;
                tokio::time::sleep(pause).await;
            }
        }
        _ => stream.write_all(&reply.body).await?,
    }
    Ok(true)
}

fn head(reply: &Reply) -> String {
    let mut head = format!("HTTP/1.1 {} x\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head
}

/// The next request, or none if the client went.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<ApiRequest>> {
    loop {
        if let Some((mut request, head, length)) = parse(buffer)? {
            while buffer.len() < head + length {
                if stream.read_buf(buffer).await? == 0 {
                    return Ok(None);
                }
            }
            request.body = buffer.get(head..head + length).unwrap_or_default().to_vec();
            buffer.drain(..head + length);
            return Ok(Some(request));
        }
        if buffer.len() > HEAD || stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// The head of a request, its length and that of the body; none if it is not there as a whole.
fn parse(buffer: &[u8]) -> Result<Option<(ApiRequest, usize, usize)>> {
    let wrong = |_| Error::from(ErrorKind::InvalidData);
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = parsed.parse(buffer).map_err(wrong)? else { return Ok(None) };
    let headers: Vec<(String, String)> = parsed
        .headers
        .iter()
        .map(|header| (header.name.to_lowercase(), String::from_utf8_lossy(header.value).into_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let request = ApiRequest {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers,
        body: Vec::new(),
    };
    Ok(Some((request, head, length)))
}

fn compressed(mut reply: Reply, encoding: &'static str) -> Result<Reply> {
    let fast = flate2::Compression::fast();
    reply.body = match encoding {
        "gzip" => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), fast);
            writer.write_all(&reply.body)?;
            writer.finish()?
        }
        "deflate" => {
            let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), fast);
            writer.write_all(&reply.body)?;
            writer.finish()?
        }
        "br" => {
            let mut body = Vec::new();
            brotli::CompressorWriter::new(&mut body, 4096, 3, 20).write_all(&reply.body)?;
            body
        }
        _ => zstd::encode_all(reply.body.as_slice(), 1)?,
    };
    Ok(reply.with("content-encoding", encoding))
}
