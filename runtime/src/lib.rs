//! x
#![allow(missing_docs,dead_code,unused_imports)]
pub mod value;
mod destination;
mod error;
mod extract;
mod incremental;
mod input;
mod normalize;
mod package;
mod resource;
mod state;
mod suggest;
pub use error::{Error,ErrorKind,Result};
pub use incremental::*;
pub use destination::*;
pub use resource::{Resource,TableName};
pub use floe_schema::*;

pub fn bench(path:&str,table:&str,threads:usize,page:Option<usize>)->usize{
 struct S(usize,usize); impl normalize::engine::BatchSink for S{ fn write(&mut self,_t:&str,b:arrow::record_batch::RecordBatch)->Result<()>{ self.0+=b.num_rows(); self.1+=b.get_array_memory_size(); Ok(()) } }
 let mut s=S(0,0);
 let caps=destination::Capabilities::default();
 let plan=normalize::plan::Plan::new(Schema::new("x"),caps.clone(),"1").unwrap();
 let mut n=normalize::engine::Normalizer::new(plan,&mut s,threads);
 let ex=extract::Extraction::new(Resource::new(table),None,Naming::snake_case());
 let mut src=input::LineReader::new(std::fs::File::open(path).unwrap(),None,page);
 let t=std::time::Instant::now();
 let r=n.resource(&ex,&mut src,&|_,_|()).unwrap();
 if let Some(e)=&n.failed{println!("{e}");}
 let sch=n.into_schema();
 println!("{} items {} rows {} MB {:.3}s tables {}",r.items,s.0,s.1/1_000_000,t.elapsed().as_secs_f64(),sch.tables.len());
 s.0 }
